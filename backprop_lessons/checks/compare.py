"""Compare an answer with the expected result: structure, then shape, type, finiteness, values."""

from dataclasses import dataclass

import numpy as np

ABSOLUTE_FLOOR = 1e-12  # for expected gradients that are exactly zero
SINGLE_PRECISION_TOLERANCE = 1e-5  # a right formula computed in float32 is right


@dataclass(frozen=True)
class Difference:
    """The first thing in which an answer differs from the expected result."""

    slug: str
    message: str
    result: str
    yours: object = None
    expected: object = None


def shape_text(shape) -> str:
    """A shape the way the lessons write it: [4, 3]; a single number has no shape."""
    return "[" + ", ".join(map(str, shape)) + "]" if shape else "a single number"


def difference(answer, expected, names, tolerance=1e-7, finite=True) -> Difference | None:
    """The first difference between an answer and what is expected; None if they agree.

    `names` are the names of the results. With `finite=False`, NaN and infinity agree with
    themselves: so an answer is compared with what a *mistake* gives, never with the reference.
    """
    if isinstance(expected, (tuple, list)):
        if len(names) != len(expected):
            names = [f"{names[0]}[{i}]" for i in range(len(expected))]
        whole = ", ".join(names)
        if not isinstance(answer, (tuple, list)):
            return Difference("wrong-type", f"Return {len(expected)} results ({whole}); you returned "
                              f"{describe(answer)}.", whole, answer, expected)
        if len(answer) != len(expected):
            return Difference("wrong-type", f"Return {len(expected)} results ({whole}); you returned "
                              f"{len(answer)}.", whole, answer, expected)
        found = (difference(a, e, [n], tolerance, finite) for a, e, n in zip(answer, expected, names))
        return next((d for d in found if d), None)
    return _array_difference(answer, expected, names[0], tolerance, finite)


def _array_difference(answer, expected, name, tolerance, finite):
    yours = as_numbers(answer)
    wanted = np.asarray(expected)
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
        return Difference("not-finite", f"{name} contains {bad}.", name, yours, wanted)
    if not close(yours, wanted, tolerance).all():
        return Difference("wrong-values", f"{name} has the right shape but not the right values.",
                          name, yours, wanted)
    return None


def close(yours, wanted, tolerance=1e-7) -> np.ndarray:
    """Entry by entry: equal up to `tolerance` times the largest expected entry.

    NaN is close to NaN and infinity to infinity; who does not want that tests finiteness first.
    """
    if yours.dtype == np.float32:
        tolerance = max(tolerance, SINGLE_PRECISION_TOLERANCE)
    yours, wanted = yours.astype(np.float64), wanted.astype(np.float64)
    sizes = np.abs(wanted[np.isfinite(wanted)])
    largest = sizes.max() if sizes.size else 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(yours - wanted) <= tolerance * largest + ABSOLUTE_FLOOR
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
        plain = answer.dtype.kind in "biuf" and answer.dtype != np.float16
        return f"an array of shape {shape_text(answer.shape)}" + ("" if plain else f" and type {answer.dtype}")
    if isinstance(answer, (tuple, list)):
        kind = "tuple" if isinstance(answer, tuple) else "list"
        return f"a {kind} of {len(answer)}"
    if callable(answer):
        return "a function (is the call `(...)` missing?)"
    article = "an" if type(answer).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(answer).__name__}"
