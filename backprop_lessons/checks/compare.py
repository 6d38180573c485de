"""Compare an answer with the expected result: structure, then shape, type, finiteness, values."""

from dataclasses import dataclass

import numpy as np

FLOOR = 1e-12  # for expected gradients that are exactly zero
SINGLE_PRECISION_TOLERANCE = 1e-5  # a right formula computed in float32 is right


@dataclass(frozen=True)
class Difference:
    """The first thing in which an answer differs from the expected result."""

    slug: str
    message: str
    result: str = ""
    yours: object = None
    expected: object = None


def shape_text(shape) -> str:
    """A shape the way the lessons write it: [4, 3]; a single number has no shape."""
    return "[" + ", ".join(map(str, shape)) + "]" if shape else "a single number"


def difference(answer, expected, names, tolerance=1e-7, floor=FLOOR, finite=True) -> Difference | None:
    """The first difference between an answer and what is expected; None if they agree.

    `names` are the names of the results. With `finite=False`, NaN and infinity agree with
    themselves: so an answer is compared with what a *mistake* gives, never with the reference.
    """
    if not isinstance(expected, (tuple, list)):
        return _array_difference(answer, expected, names[0], tolerance, floor, finite)
    if len(names) != len(expected):
        names = [f"{names[0]}[{i}]" for i in range(len(expected))]
    whole = ", ".join(names)
    if not isinstance(answer, (tuple, list)):
        return Difference("wrong-type", f"Return {len(expected)} results ({whole}); you returned "
                          f"{describe(answer)}.", whole, answer, expected)
    if len(answer) != len(expected):
        return Difference("wrong-type", f"Return {len(expected)} results ({whole}); you returned "
                          f"{len(answer)}.", whole, answer, expected)
    found = [difference(a, e, [n], tolerance, floor, finite) for a, e, n in zip(answer, expected, names)]
    wrong = [d for d in found if d]
    if not wrong:
        return None
    right = [n for n, d in zip(names, found) if d is None]
    others = [n for n, d in zip(names, found) if d and d is not wrong[0]]
    message = wrong[0].message
    if others:
        message += f" {' and '.join(others)} {'differs' if len(others) == 1 else 'differ'}, too."
    if right:
        message += f" {' and '.join(right)} {'is' if len(right) == 1 else 'are'} right."
    return Difference(wrong[0].slug, message, wrong[0].result, wrong[0].yours, wrong[0].expected)


def _array_difference(answer, expected, name, tolerance, floor, finite):
    yours, wanted = as_numbers(answer), np.asarray(expected)
    if yours is None:
        kind = "a number" if wanted.ndim == 0 else f"an array of numbers of shape {shape_text(wanted.shape)}"
        return Difference("wrong-type", f"{name} should be {kind}; yours is {describe(answer)}.",
                          name, answer, expected)
    if yours.shape != wanted.shape:
        wants = "be a single number" if wanted.ndim == 0 else f"have shape {shape_text(wanted.shape)}"
        has = "is a single number" if yours.ndim == 0 else f"has shape {shape_text(yours.shape)}"
        return Difference("wrong-shape", f"{name} should {wants}; yours {has}.", name, yours, wanted)
    if finite and not np.isfinite(yours).all():
        bad = "NaN (not a number)" if np.isnan(yours).any() else "infinity"
        return Difference("not-finite", f"{name} contains {bad}. That comes from a division by zero, or from exp of a "
                          "number that is too large.", name, yours, wanted)
    if not close(yours, wanted, tolerance, floor).all():
        what = f"{name} is not right." if wanted.ndim == 0 else f"{name} has the right shape but not the right values."
        return Difference("wrong-values", what + _remark(yours, wanted), name, yours, wanted)
    return None


def _remark(yours, wanted) -> str:
    """What can be said of wrong values at a glance: their type, or a constant factor."""
    if yours.dtype.kind in "biu" and wanted.dtype.kind == "f":
        return f" Yours holds whole numbers ({yours.dtype}): is something cut off?"
    large = np.abs(wanted) > 1e-6 * np.abs(wanted).max(initial=0)
    if large.sum() > 1:
        ratios = (yours[large] / wanted[large]).astype(float)
        if np.allclose(ratios, ratios[0], rtol=1e-6) and np.allclose(yours[~large], 0, atol=1e-6):
            if abs(ratios[0]) < 1e-9:
                return " Yours is zero."
            if abs(ratios[0] - 1) > 1e-3:
                return f" Yours is {_factor(ratios[0])} times the expected."
    if yours.dtype == np.float32:
        return " Yours is float32: is that precise enough here?"
    return ""


def _factor(ratio) -> str:
    inverse = 1 / ratio
    if abs(ratio) < 1 and abs(inverse - round(inverse)) < 1e-6 * abs(inverse):
        return f"{'−' if ratio < 0 else ''}1/{abs(round(inverse))}"
    return f"{ratio:.6g}".replace("-", "−")


def close(yours, wanted, tolerance=1e-7, floor=FLOOR) -> np.ndarray:
    """Entry by entry: equal up to `tolerance` times the largest expected entry.

    NaN is close to NaN and infinity to infinity; who does not want that tests finiteness first.
    """
    if yours.dtype == np.float32:
        tolerance = max(tolerance, SINGLE_PRECISION_TOLERANCE)
    yours, wanted = yours.astype(np.float64), wanted.astype(np.float64)
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(yours - wanted) <= tolerance * largest + floor
    return near | (yours == wanted) | (np.isnan(yours) & np.isnan(wanted))


def as_numbers(answer) -> np.ndarray | None:
    """The answer as a plain array of real numbers, or None if it is not one.

    Arrays, lists, numpy scalars and Python numbers are all welcome; float16 is not,
    since no formula can be told from a wrong one at three digits.
    """
    if answer is None or isinstance(answer, (str, bytes, dict, set)):
        return None
    try:
        array = np.asarray(answer)
    except Exception:  # ragged lists, or objects whose conversion fails in their own way
        return None
    return array if array.dtype.kind in "biuf" and array.dtype != np.float16 else None


def describe(answer) -> str:
    """What a learner returned, in words."""
    if answer is None:
        return "nothing (is the `return` missing?)"
    if answer is Ellipsis:
        return "`...`"
    if isinstance(answer, np.ndarray):
        if answer.dtype == np.float16:
            return "of type float16, which is too coarse; use float32 or float64"
        plain = answer.dtype.kind in "biuf"
        return f"an array of shape {shape_text(answer.shape)}" + ("" if plain else f" and type {answer.dtype}")
    if isinstance(answer, (tuple, list)):
        kind = "tuple" if isinstance(answer, tuple) else "list"
        return f"a {kind} of {len(answer)}"
    if callable(answer):
        return "a function (is the call `(...)` missing?)"
    article = "an" if type(answer).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(answer).__name__}"


def snapshot(answer):
    """A copy of an answer that nothing can change any more; other array types become numpy's."""
    if isinstance(answer, (tuple, list)):
        return type(answer)(map(snapshot, answer)) if type(answer) in (tuple, list) else [*map(snapshot, answer)]
    if isinstance(answer, np.ndarray) or hasattr(type(answer), "__array__"):
        return np.array(answer, copy=True)
    return answer


def changed(before, after) -> bool:
    """Whether arguments differ from what they were; a Generator is meant to."""
    if isinstance(before, np.ndarray):
        return not (isinstance(after, np.ndarray) and before.shape == after.shape
                    and np.array_equal(before, after, equal_nan=before.dtype.kind == "f"))
    if isinstance(before, (tuple, list)):
        return len(before) != len(after) or any(map(changed, before, after))
    return False
