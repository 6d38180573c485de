"""What the judge says of answers that are not among the known mistakes."""

import time

import numpy as np
import pytest

from backprop_lessons.checks import Assessment, Case, Exercise, Mistake, catalogue, judge
from backprop_lessons.checks.compare import difference
from backprop_lessons.layers import dense_backward, relu_backward


def verdict(name, function, seed=0, **options):
    return judge(name, function, rng=np.random.default_rng(seed), **options)


def test_an_unknown_exercise_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match="no exercise named 'dense'.*dense_backward"):
        judge("dense", dense_backward)


def test_something_that_cannot_be_called_is_an_error():
    with pytest.raises(TypeError, match="needs a function for relu_backward.*ndarray"):
        judge("relu_backward", np.zeros(3))
    with pytest.raises(TypeError, match="rng should be a numpy Generator.*int"):
        judge("relu_backward", relu_backward, rng=3)


@pytest.mark.parametrize("answer, words", [
    (None, "nothing (is the `return` missing?)"),
    (..., "`...`"),
    ("0.5", "a str"),
    (np.array(["a"]), "type <U1"),
    (np.array([1 + 2j]), "complex128"),
    (np.zeros(3, dtype=object), "object"),
    (np.zeros(3, dtype=np.float16), "float16"),
    ([[1.0], [2.0, 3.0]], "a list of 2"),
    (relu_backward, "a function"),
    ({"dZ": 1}, "a dict"),
])
def test_wrong_types_are_described(answer, words):
    v = verdict("relu_backward", lambda dA, Z: answer)
    assert v.mistake == "wrong-type" and words in v.message


def test_too_few_results_are_counted():
    v = verdict("dense_backward", lambda dZ, X, W: dense_backward(dZ, X, W)[:2])
    assert v.mistake == "wrong-type"
    assert v.message == "Return 3 results (dX, dW, db); you returned 2."


def test_wrong_shapes_never_pass_by_broadcasting():
    v = verdict("gradient_error", lambda a, n: np.array([catalogue["gradient_error"].reference(a, n)]))
    assert (v.mistake, v.score) == ("wrong-shape", 0)
    assert v.message == "error should be a single number; yours has shape [1]."


def test_nan_never_passes():
    def one_nan(dA, Z):
        dZ = relu_backward(dA, Z)
        dZ[0, 0] = np.nan
        return dZ
    v = verdict("relu_backward", one_nan)
    assert (v.mistake, v.score) == ("not-finite", 0)


def test_an_unknown_mistake_shows_the_smallest_input_that_pays():
    v = verdict("dense_backward", lambda dZ, X, W: (dZ @ W.T, X.T @ dZ, dZ.sum(axis=0) + 0.001))
    assert v.mistake == "wrong-values" and "dX and dW are right" in v.message
    assert v.evidence.case == "2 examples, 3 inputs, 4 outputs" and v.evidence.result == "db"
    np.testing.assert_allclose(v.evidence.yours - v.evidence.expected, 0.001)


def doubles_its_weights(dZ, X, W):
    results = dense_backward(dZ, X, W)
    W *= 2
    return results


@pytest.mark.parametrize("name, function, which", [
    ("relu_backward", lambda dA, Z: np.multiply(dA, Z > 0, out=dA), "dA"),
    ("dense_backward", doubles_its_weights, "W"),
])
def test_changed_inputs_are_named(name, function, which):
    v = verdict(name, function)
    assert (v.mistake, v.score) == ("input-changed", 0)
    assert f"changes its input ({which})" in v.message


def test_inputs_changed_by_an_answer_that_is_wrong_because_of_it():
    def in_place(a, n):
        scale = max(np.linalg.norm(a), np.linalg.norm(n))
        a -= n
        a /= scale or 1.0
        return np.linalg.norm(a) + 0.1
    assert verdict("gradient_error", in_place).mistake == "input-changed"


def test_a_constant_factor_is_said():
    v = verdict("sigmoid_backward", lambda dA, A: 3 * dA * A * (1 - A))
    assert v.mistake == "wrong-values" and "Yours is 3 times the expected" in v.message
    v = verdict("relu_backward", lambda dA, Z: (dA * (Z > 0)).astype(int))
    assert "whole numbers" in v.message


def test_an_answer_that_remembers_is_found_out():
    memory = {}

    def remembers(dZ, X, W):
        return memory.setdefault(X.shape, dense_backward(dZ, X, W))
    v = verdict("dense_backward", remembers)
    assert not v.passed and v.score == 0 and "remembers something between calls" in v.message


def test_a_coincidence_in_a_narrow_case_names_nothing():
    # In the saturated case alone this looks like "the gradient passes through unchanged".
    v = verdict("sigmoid_backward", lambda dA, A: dA + 0.3 * A * (1 - A))
    assert v.mistake == "wrong-values"


def test_a_call_of_an_unwritten_exercise_is_told_apart_from_an_unwritten_one():
    def dense_backward(dZ, X, W):
        raise NotImplementedError

    def network_backward(X, labels, W1, b1, W2, b2):
        return dense_backward(X, X, W1)
    v = verdict("network_backward", network_backward)
    assert v.mistake == "raised" and "It calls dense_backward, which is not written yet" in v.message


def test_one_branch_left_unwritten_is_an_error():
    def one_branch(a, n):
        if not np.any(a):
            raise NotImplementedError
        return catalogue["gradient_error"].reference(a, n)
    assert verdict("gradient_error", one_branch).mistake == "raised"


class Loud(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error, words", [
    (ValueError(), "It raised ValueError, without a message. It happened at"),
    (ValueError("x" * 5000), "x" * 300 + " …"),
    (ValueError("first\nsecond"), "ValueError: first. It"),
    (ValueError("\x1b[31mred"), " [31mred"),
    (ValueError("a `b c"), "a 'b c"),
    (Loud(), "(its message cannot be shown)"),
])
def test_any_exception_can_be_told(error, words):
    def raises(dA, Z):
        raise error
    assert words in verdict("relu_backward", raises).message


def test_a_wrong_signature_is_told_the_right_one():
    def relu_backward(dA):
        return dA
    assert "The exercise calls relu_backward(dA, Z)." in verdict("relu_backward", relu_backward).message


def test_a_conversion_that_leaves_python_is_reported():
    class Leaves:
        def __array__(self, *arguments, **options):
            raise SystemExit
    assert verdict("relu_backward", lambda dA, Z: Leaves()).mistake == "raised"


def test_an_exception_is_reported_with_its_line_and_the_shapes():
    def slip(dZ, X, W):
        return X @ dZ
    v = verdict("dense_backward", slip)
    assert v.mistake == "raised"
    assert "the inner sizes of a matrix product do not match (3 and 2)" in v.message
    assert "`return X @ dZ`" in v.message and "X [2, 3]" in v.message


def test_leaving_python_is_reported_and_does_not_leave():
    v = verdict("relu_backward", lambda dA, Z: exit())
    assert v.mistake == "raised" and "SystemExit" in v.message


def test_an_endless_answer_is_too_slow_even_when_it_swallows_exceptions():
    def endless(dA, Z):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                pass
    start = time.monotonic()
    v = verdict("relu_backward", endless, time_limit=0.3)
    assert v.mistake == "too-slow" and time.monotonic() - start < 3


def test_a_proxy_speaks_for_another_process():
    class Remote(Exception):
        remote_type, remote_where, fatal = "ZeroDivisionError", "line 3: `1 / 0`", True
    calls = []

    def proxy(dA, Z):
        calls.append(1)
        raise Remote("division by zero")
    v = verdict("relu_backward", proxy)
    assert "ZeroDivisionError: division by zero. It happened at line 3: `1 / 0`" in v.message
    assert len(calls) == 1  # fatal: no further case is called


# An answer that is right may come in any style.
RIGHT = {
    "float32": lambda r: r.astype(np.float32),
    "a list": lambda r: r.tolist(),
    "Fortran order": lambda r: np.asfortranarray(r),
    "read-only": lambda r: np.broadcast_to(r, r.shape),
    "long double": lambda r: r.astype(np.longdouble),
    "a subclass": lambda r: r.view(np.ma.MaskedArray),
}


@pytest.mark.parametrize("style", RIGHT.values(), ids=RIGHT)
def test_right_answers_pass_whatever_their_type(style):
    assert verdict("relu_backward", lambda dA, Z: style(relu_backward(dA, Z))).passed
    assert verdict("dense_backward", lambda *a: [style(r) for r in dense_backward(*a)]).passed


@pytest.mark.parametrize("number", [float, np.float32, np.asarray, lambda x: np.float64(x)])
def test_a_number_may_be_any_kind_of_number(number):
    reference = catalogue["gradient_error"].reference
    assert verdict("gradient_error", lambda a, n: number(reference(a, n))).passed


def test_whole_numbers_may_come_in_any_numeric_type():
    for answer in (3, 3.0, np.int8(3), np.float32(3), np.array(3)):
        assert difference(answer, 3, ["count"]) is None
    assert difference(4, 3, ["count"]).slug == "wrong-values"


# The shape of the catalogue holds more than lesson 04 needs: functions as arguments, and scores.

def slope(f, x):
    """The derivative of f at x, by central difference."""
    return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5


def slope_driver(function, x):
    return function(lambda v: v * v, x)


SLOPE = Exercise(
    number="0.1", points=1, minutes=1, difficulty=1, summary="A slope.", reference=slope, results=("slope",),
    cases=(Case("somewhere", lambda rng: (rng.uniform(1, 2),)),),
    mistakes=(Mistake("one-sided", lambda f, x: (f(x + 1e-5) - f(x)) / 1e-5, "Go both ways."),),
    hints=("a", "b", "c"), driver=slope_driver)


def test_a_driver_brings_the_argument_that_is_a_function():
    assert judge(SLOPE, slope).passed
    assert judge(SLOPE, SLOPE.mistakes[0].function).mistake == "one-sided"


def random_weights(n, rng):
    return rng.normal(size=n)


def spread(arguments, answer):
    share = 1.0 if abs(np.std(answer) - 1) < 0.1 else 0.5 if np.std(answer) > 0 else 0.0
    return Assessment(share, "The spread should be 1.", None if share == 1 else "bad-scale")


WEIGHTS = Exercise(
    number="0.2", points=2, minutes=1, difficulty=1, summary="Weights.", reference=random_weights, results=("W",),
    cases=(Case("many", lambda rng: (5000, np.random.default_rng(rng.integers(2**32))), assess=spread),),
    mistakes=(), hints=("a", "b", "c"))


def test_an_assessed_answer_may_earn_a_part():
    assert judge(WEIGHTS, random_weights).score == 1
    half = judge(WEIGHTS, lambda n, rng: 2 * rng.normal(size=n))
    assert (half.score, half.points, half.mistake) == (0.5, 1.0, "bad-scale")
    assert judge(WEIGHTS, lambda n, rng: np.zeros(n)).score == 0


@pytest.mark.parametrize("share, score", [(np.nan, 0), (7, 1), (-1, 0), (np.float64(0.25), 0.25)])
def test_a_share_is_a_number_from_0_to_1(share, score):
    case = Case("many", lambda rng: (3, 0), assess=lambda arguments, answer: Assessment(share, "Said."))
    exercise = Exercise(number="0.3", points=2, minutes=1, difficulty=1, summary="Shares.", results=("W",),
                        reference=random_weights, cases=(case,), mistakes=(), hints=("a", "b", "c"))
    verdict = judge(exercise, lambda n, rng: 0.0)
    assert verdict.score == score and verdict.passed == (score == 1)
