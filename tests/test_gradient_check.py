"""The gradient check: it measures right, finds planted faults, names them, and leaves everything as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_lessons.gradient_check import check_gradients, complex_step_gradient, gradient_error, numerical_gradient
from backprop_lessons.layers import Dense, Dropout, ReLU, Sigmoid, Tanh
from backprop_lessons.losses import mean_squared_error, mean_squared_error_backward
from backprop_lessons.network import Network

METHODS = ("central differences", "complex step")


def data(rng, n=6, d=5, k=3):
    return rng.normal(size=(n, d)), rng.integers(0, k, n)


@settings(deadline=None)
@given(shape=st.lists(st.integers(1, 3), min_size=0, max_size=3), seed=st.integers(0, 2**32 - 1))
def test_both_measures_find_a_known_gradient_and_leave_x_alone(shape, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    before, truth = x.copy(), np.cos(x) * np.exp(np.sin(x))
    np.testing.assert_allclose(numerical_gradient(lambda x: np.exp(np.sin(x)).sum(), x), truth, atol=1e-8)
    np.testing.assert_allclose(complex_step_gradient(lambda x: np.exp(np.sin(x)).sum(), x), truth, rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(x, before)


def test_central_differences_have_two_sides():
    assert numerical_gradient(lambda x: (x**2).sum(), np.array([3.0]), step=0.5)[0] == 6  # one side would give 6.5


def test_whole_numbers_are_nudged_too():
    assert numerical_gradient(lambda x: (x**2).sum(), np.array([3]))[0] == pytest.approx(6)
    assert numerical_gradient(lambda x: x**2, 3.0) == pytest.approx(6, rel=1e-9)


def test_the_complex_step_refuses_a_function_that_drops_the_imaginary_part():
    with pytest.raises(TypeError, match="returned a real number.*numerical_gradient"):
        complex_step_gradient(lambda x: np.abs(x).sum(), np.ones(2))


def test_gradient_error():
    a = np.array([3.0, 4.0])
    assert gradient_error(a, a) == 0 and gradient_error(a * 0, a * 0) == 0.0
    assert gradient_error(a, 2 * a) == 0.5 == gradient_error(2 * a, a)
    assert type(gradient_error(a, a)) is float and np.isnan(gradient_error(a, a * np.nan))
    with pytest.raises(ValueError, match="Expected equal shapes"):
        gradient_error(np.ones((3, 1)), np.ones(3))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hidden", [ReLU, Sigmoid, Tanh])
def test_a_right_network_passes_and_stays_as_it_was(method, hidden):
    rng = np.random.default_rng(0)
    network, (X, labels) = Network.mlp((5, 7, 4, 3), rng, hidden=hidden), data(rng)
    before = network.parameters.copy()
    report = check_gradients(network, X, labels, method=method)
    assert report.passed and len(report.arrays) == 6
    assert max(array.error for array in report.arrays) < (1e-7 if method == METHODS[0] else 1e-13)
    assert (network.parameters == before).all() and (network.gradients == 0).all()
    assert str(report).endswith("All 6 gradients agree.")


def test_another_loss_can_be_checked():
    rng = np.random.default_rng(0)
    network, X = Network.mlp((5, 7, 2), rng), rng.normal(size=(4, 5))
    report = check_gradients(network, X, rng.normal(size=(4, 2)), loss=mean_squared_error, loss_backward=mean_squared_error_backward)
    assert report.passed


class MeanInsteadOfSum(Dense):
    def backward(self, dZ, input_gradient=True):
        dX = super().backward(dZ, input_gradient)
        self.db[...] = dZ.mean(axis=0)
        return dX


class SlopeForgotten(ReLU):
    def backward(self, dA, input_gradient=True):
        return dA


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_fault_is_found_in_its_place(method):
    rng = np.random.default_rng(0)
    network, (X, labels) = Network([Dense(5, 7, rng), ReLU(), MeanInsteadOfSum(7, 3, rng)]), data(rng)
    report = check_gradients(network, X, labels, method=method)
    wrong = [array for array in report.arrays if not array.passed]
    assert [array.name for array in wrong] == ["layer 3 db"] and not report.passed
    np.testing.assert_allclose(wrong[0].numerical, 6 * wrong[0].analytic, rtol=1e-6)  # a batch of six
    worst = np.argmax(np.abs(wrong[0].numerical))
    for words in ("✗ wrong: error 8.3e-01", "1 of 4 gradients are wrong", "✓ agrees", f"worst at [{worst}]"):
        assert words in repr(report)


def test_a_fault_shows_in_the_layers_before_it():
    rng = np.random.default_rng(0)
    network, (X, labels) = Network([Dense(5, 7, rng), SlopeForgotten(), Dense(7, 3, rng)]), data(rng)
    report = check_gradients(network, X, labels)
    assert [array.name for array in report.arrays if not array.passed] == ["layer 1 dW", "layer 1 db"]


def test_large_arrays_are_sampled():
    rng = np.random.default_rng(0)
    report = check_gradients(Network.mlp((30, 20, 3), rng), *data(rng, d=30), entries=25, rng=rng)
    assert [len(array.entries) for array in report.arrays] == [25, 20, 25, 3] and "25 of 600" in str(report)


def test_gradients_that_are_all_zero_are_said_to_show_nothing():
    rng = np.random.default_rng(0)
    network, (X, labels) = Network.mlp((5, 4, 3), rng), data(rng)
    network.layers[0].b = np.full(4, -100.0)  # every ReLU is dead
    assert "all zero: this shows nothing" in str(check_gradients(network, X, labels))


def test_dropout_is_off_during_the_check():
    rng = np.random.default_rng(0)
    assert check_gradients(Network([Dense(5, 7, rng), Tanh(), Dropout(0.5, rng), Dense(7, 3, rng)]), *data(rng)).passed


def test_float32_and_unknown_methods_are_refused():
    rng = np.random.default_rng(0)
    network, (X, labels) = Network.mlp((5, 3), rng, dtype=np.float32), data(rng)
    with pytest.raises(TypeError, match=r"float32, too coarse.*astype\(np.float64\)"):
        check_gradients(network, X, labels)
    with pytest.raises(ValueError, match="Expected one of .'central differences', 'complex step'."):
        check_gradients(network.astype(np.float64), X, labels, method="guess")
