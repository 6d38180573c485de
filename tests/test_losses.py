"""Losses: PyTorch's stored values, measured gradients, stability, and errors that help."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import pytorch

from backprop_lessons import losses
from backprop_lessons.gradient_check import complex_step_gradient, gradient_error, numerical_gradient

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_cross_entropy_and_softmax_agree_with_pytorch():
    p = pytorch("cross_entropy")
    np.testing.assert_allclose(losses.softmax(p["logits"]), p["softmax"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses.cross_entropy(p["logits"], p["labels"]), p["loss"], rtol=1e-12)
    dlogits = losses.cross_entropy_backward(p["logits"], p["labels"])
    np.testing.assert_allclose(dlogits, p["dlogits"], rtol=0, atol=1e-12)


def test_mean_squared_error_agrees_with_pytorch():
    p = pytorch("mean_squared_error")
    np.testing.assert_allclose(losses.mean_squared_error(p["predictions"], p["targets"]), p["loss"], rtol=1e-12)
    dpredictions = losses.mean_squared_error_backward(p["predictions"], p["targets"])
    np.testing.assert_allclose(dpredictions, p["dpredictions"], rtol=0, atol=1e-12)


def test_binary_cross_entropy_agrees_with_pytorch():
    p = pytorch("binary_cross_entropy")
    np.testing.assert_allclose(losses.binary_cross_entropy(p["logits"], p["targets"]), p["loss"], rtol=1e-12)
    dlogits = losses.binary_cross_entropy_backward(p["logits"], p["targets"])
    np.testing.assert_allclose(dlogits, p["dlogits"], rtol=0, atol=1e-12)


@settings(deadline=None)
@given(n=sizes, k=sizes, seed=seeds)
def test_cross_entropy_backward_agrees_with_measured_gradients(n, k, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, k)) * 3, rng.integers(0, k, n)
    analytic = losses.cross_entropy_backward(logits, labels)
    exact = complex_step_gradient(lambda logits: losses.cross_entropy(logits, labels), logits)
    np.testing.assert_allclose(analytic, exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(analytic, numerical_gradient(lambda z: losses.cross_entropy(z, labels), logits), atol=1e-8)


@settings(deadline=None)
@given(n=sizes, k=sizes, seed=seeds)
def test_loss_and_gradient_together_are_the_two_apart(n, k, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(n, k)) * 100, rng.integers(0, k, n)
    loss, dlogits = losses.cross_entropy_and_gradient(logits, labels)
    assert loss == pytest.approx(losses.cross_entropy(logits, labels), rel=1e-12, abs=1e-11)
    np.testing.assert_allclose(dlogits, losses.cross_entropy_backward(logits, labels), rtol=0, atol=1e-15)


@settings(deadline=None)
@given(n=sizes, d=sizes, seed=seeds)
def test_the_other_losses_agree_with_measured_gradients(n, d, seed):
    rng = np.random.default_rng(seed)
    predictions, targets = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    exact = complex_step_gradient(lambda p: losses.mean_squared_error(p, targets), predictions)
    assert gradient_error(losses.mean_squared_error_backward(predictions, targets), exact) < 1e-12
    logits, targets = rng.normal(size=n) * 5, rng.integers(0, 2, n)
    exact = complex_step_gradient(lambda z: losses.binary_cross_entropy(z, targets), logits)
    np.testing.assert_allclose(losses.binary_cross_entropy_backward(logits, targets), exact, rtol=0, atol=1e-14)
    W = rng.normal(size=(n, d))
    penalty, dW = losses.l2_penalty(W, 0.3)
    assert penalty == pytest.approx(0.15 * sum(w**2 for w in W.ravel()))
    assert gradient_error(dW, complex_step_gradient(lambda W: losses.l2_penalty(W, 0.3)[0], W)) < 1e-12


@settings(deadline=None)
@given(n=sizes, k=sizes, seed=seeds, shift=st.floats(-1e4, 1e4))
def test_softmax_ignores_a_shift_and_follows_a_permutation(n, k, seed, shift):
    rng = np.random.default_rng(seed)
    logits, order = rng.normal(size=(n, k)) * 5, rng.permutation(k)
    probabilities = losses.softmax(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(losses.softmax(logits + shift), probabilities, rtol=1e-10)
    np.testing.assert_allclose(losses.softmax(logits[:, order]), probabilities[:, order], rtol=1e-14)


@settings(deadline=None)
@given(n=sizes, k=sizes, seed=seeds)
def test_each_row_of_dlogits_adds_up_to_zero(n, k, seed):
    rng = np.random.default_rng(seed)
    dlogits = losses.cross_entropy_backward(rng.normal(size=(n, k)), rng.integers(0, k, n))
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-15)


def test_values_at_ten_thousand_are_exact_and_warn_of_nothing():
    logits = np.array([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]])
    assert losses.softmax(logits).tolist() == [[1, 0, 0], [1, 0, 0]]
    assert losses.cross_entropy(logits, np.array([1, 0])) == 1e4
    assert losses.cross_entropy_backward(logits, np.array([1, 0])).tolist() == [[0.5, -0.5, 0], [0, 0, 0]]
    assert losses.binary_cross_entropy(np.array([1e4, -1e4]), np.array([0, 0])) == 5000
    assert losses.binary_cross_entropy_backward(np.array([1e4, -1e4]), np.array([0, 1])).tolist() == [0.5, -0.5]


def test_chance_level_costs_the_logarithm_of_the_classes():
    assert losses.cross_entropy(np.zeros((7, 10)), np.arange(7)) == pytest.approx(np.log(10), rel=1e-15)


def test_accuracy_counts_the_largest_logit_and_losses_are_plain_floats():
    logits, labels = np.array([[1.0, 2], [3, 1], [0, 5], [2, 1]]), np.array([1, 0, 0, 0])
    assert losses.accuracy(logits, labels) == 0.75
    for loss, target in [(losses.accuracy, labels), (losses.cross_entropy, labels), (losses.mean_squared_error, logits)]:
        assert type(loss(logits, target)) is float


def test_lists_are_as_good_as_arrays():
    assert losses.cross_entropy([[1.0, 2.0]], [0]) == losses.cross_entropy(np.array([[1.0, 2.0]]), np.array([0]))
    assert losses.mean_squared_error([1, 2], [1, 4]) == 2
    assert losses.binary_cross_entropy_backward([0.0, 0.0], [0, 1]).tolist() == [0.25, -0.25]


def test_inputs_are_never_changed():
    rng = np.random.default_rng(0)
    logits, labels, targets = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1]), rng.integers(0, 2, (4, 3))
    before = logits.copy(), labels.copy(), targets.copy()
    losses.softmax(logits)
    for function in (losses.cross_entropy, losses.cross_entropy_backward, losses.cross_entropy_and_gradient, losses.accuracy):
        function(logits, labels)
    for name in ("mean_squared_error", "binary_cross_entropy"):
        getattr(losses, name)(logits, targets)
        getattr(losses, f"{name}_backward")(logits, targets)
    for array, copy in zip((logits, labels, targets), before):
        np.testing.assert_array_equal(array, copy)


Z = np.zeros((3, 2))
ERRORS = [
    ("labels out of range", losses.cross_entropy, Z, np.array([0, 1, 2]), ValueError, r"run from 0 to 2. Expected 0 … 1"),
    ("labels from minus one", losses.cross_entropy, Z, np.array([-1, 1, 0]), ValueError, r"run from -1 to 1"),
    ("labels that are floats", losses.cross_entropy, Z, np.array([0.0, 1, 1]), TypeError, r"float64.*astype\(np.int64\)"),
    ("labels that are one-hot", losses.cross_entropy, Z, np.eye(2)[[0, 1, 1]], ValueError, r"argmax\(labels, axis=1\)"),
    ("labels as a column", losses.accuracy, Z, np.array([[0], [1], [1]]), ValueError, r"labels.ravel\(\)"),
    ("too few labels", losses.cross_entropy_backward, Z, np.array([0, 1]), ValueError, r"shape \(2,\). Expected \[n\] = \(3,\)"),
    ("logits of one example", losses.cross_entropy, Z[0], np.array([0]), ValueError, r"\(2,\). Expected \[n, k\].*logits\[None, :\]"),
    ("no examples", losses.cross_entropy, Z[:0], np.array([], int), ValueError, "no examples"),
    ("NaN", losses.cross_entropy, Z * np.nan, np.array([0, 1, 1]), ValueError, r"6 entries that are NaN.*index \(0, 0\)"),
    ("infinity", losses.cross_entropy_and_gradient, Z + np.inf, np.array([0, 1, 1]), ValueError, "infinite"),
    ("a column against a row", losses.mean_squared_error, np.zeros((3, 1)), np.zeros(3), ValueError, "broadcast"),
    ("the same, backward", losses.mean_squared_error_backward, np.zeros((3, 1)), np.zeros(3), ValueError, "broadcast"),
    ("targets with NaN", losses.mean_squared_error, np.zeros(2), np.array([1, np.nan]), ValueError, "targets has 1 entries"),
    ("words", losses.cross_entropy, np.array([["a", "b"]]), np.array([0]), TypeError, "Expected numbers"),
    ("nothing", losses.mean_squared_error, np.zeros(0), np.zeros(0), ValueError, "empty"),
    ("targets −1 and 1", losses.binary_cross_entropy, np.zeros(2), np.array([-1, 1]), ValueError, r"from -1 to 1.*/ 2"),
]


@pytest.mark.parametrize("function, first, second, kind, words", [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_errors_say_what_was_given_what_is_expected_and_what_to_do(function, first, second, kind, words):
    with pytest.raises(kind, match=words):
        function(first, second)
