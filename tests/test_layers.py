"""Layers: values and gradients against PyTorch's stored ones and against measured ones."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import pytorch

from backprop_lessons import layers
from backprop_lessons.gradient_check import complex_step_gradient, gradient_error, numerical_gradient
from backprop_lessons.layers import Dense, Dropout, ReLU, Sigmoid, Tanh

sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)


def test_dense_agrees_with_pytorch():
    p = pytorch("dense")
    np.testing.assert_allclose(layers.dense_forward(p["X"], p["W"], p["b"]), p["Z"], rtol=0, atol=1e-12)
    for name, gradient in zip(("dX", "dW", "db"), layers.dense_backward(p["dZ"], p["X"], p["W"])):
        np.testing.assert_allclose(gradient, p[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_activations_agree_with_pytorch_zero_and_huge_values_included(name):
    p = pytorch(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        A = getattr(layers, name)(p["Z"])
        dZ = getattr(layers, f"{name}_backward")(p["dA"], p["Z"] if name == "relu" else A)
    np.testing.assert_allclose(A, p["A"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dZ, p["dZ"], rtol=0, atol=1e-12)


def test_the_derivative_of_relu_at_zero_is_zero():
    assert layers.relu_backward(np.array([5.0, 5.0]), np.array([0.0, -0.0])).tolist() == [0, 0]


@settings(deadline=None)
@given(n=sizes, d_in=sizes, d_out=sizes, seed=seeds)
def test_dense_backward_agrees_with_measured_gradients(n, d_in, d_out, seed):
    rng = np.random.default_rng(seed)
    X, W, b, dZ = (rng.normal(size=shape) for shape in [(n, d_in), (d_in, d_out), d_out, (n, d_out)])
    analytic = layers.dense_backward(dZ, X, W)
    measured = (
        complex_step_gradient(lambda X: (layers.dense_forward(X, W, b) * dZ).sum(), X),
        complex_step_gradient(lambda W: (layers.dense_forward(X, W, b) * dZ).sum(), W),
        complex_step_gradient(lambda b: (layers.dense_forward(X, W, b) * dZ).sum(), b),
    )
    for gradient, by_nudging in zip(analytic, measured):
        assert gradient_error(gradient, by_nudging) < 1e-12


@settings(deadline=None)
@given(n=sizes, d=sizes, seed=seeds, name=st.sampled_from(["sigmoid", "tanh"]))
def test_smooth_activations_agree_with_both_kinds_of_measured_gradient(n, d, seed, name):
    rng = np.random.default_rng(seed)
    Z, dA = rng.normal(size=(n, d)) * 3, rng.normal(size=(n, d))
    forward, backward = getattr(layers, name), getattr(layers, f"{name}_backward")
    analytic = backward(dA, forward(Z))
    np.testing.assert_allclose(analytic, complex_step_gradient(lambda Z: (forward(Z) * dA).sum(), Z), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(analytic, numerical_gradient(lambda Z: (forward(Z) * dA).sum(), Z), atol=1e-8)


@settings(deadline=None)
@given(seed=seeds)
def test_inputs_are_never_changed_and_results_never_alias_them(seed):
    rng = np.random.default_rng(seed)
    X, W, b, dZ = (rng.normal(size=shape) for shape in [(3, 2), (2, 4), 4, (3, 4)])
    out, mask = layers.dropout_forward(dZ, 0.5, rng)
    calls = [
        (layers.dense_forward, X, W, b), (layers.dense_backward, dZ, X, W), (layers.relu, X), (layers.relu_backward, dZ, dZ),
        (layers.sigmoid, X), (layers.sigmoid_backward, dZ, dZ), (layers.tanh, X), (layers.tanh_backward, dZ, dZ),
        (layers.dropout_forward, dZ, 0.0, rng), (layers.dropout_backward, dZ, mask),
    ]
    for function, *arguments in calls:
        before = [np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments]
        results = function(*arguments)
        for argument, copy in zip(arguments, before):
            if isinstance(argument, np.ndarray):
                np.testing.assert_array_equal(argument, copy)
                for result in results if isinstance(results, tuple) else (results,):
                    assert not np.shares_memory(argument, result), function.__name__


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_keep_the_dtype(dtype):
    rng = np.random.default_rng(0)
    layer_list = [Dense(3, 4, rng, dtype), ReLU(), Dropout(0.5, rng), Sigmoid(), Tanh()]
    X = rng.normal(size=(2, 3)).astype(dtype)
    for layer in layer_list:
        X = layer.forward(X, training=True)
        assert X.dtype == dtype, type(layer)
    for layer in reversed(layer_list):
        X = layer.backward(X)
        assert X.dtype == dtype, type(layer)


def test_numbers_may_be_given_to_activations():
    assert layers.sigmoid(0.0) == 0.5 and layers.relu(-2.0) == 0 and layers.tanh(0.0) == 0


def test_dropout_keeps_the_mean_and_passes_gradients_only_where_it_kept():
    out, mask = layers.dropout_forward(np.ones((400, 500)), 0.25, np.random.default_rng(0))
    assert set(np.unique(mask)) == {0.0, 1 / 0.75}
    assert abs(out.mean() - 1) < 0.01  # four standard errors are 0.005
    assert (layers.dropout_backward(np.full(mask.shape, 3.0), mask) == 3 * mask).all()


def test_dropout_drops_only_while_training():
    A = np.arange(12.0).reshape(3, 4)
    layer = Dropout(0.5, np.random.default_rng(0))
    assert (layer.forward(A) == A).all() and (layer.backward(A) == A).all()
    assert (layer.forward(A, training=True) != A).any()


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan])
def test_dropout_refuses_a_rate_that_drops_everything_or_makes_no_sense(rate):
    with pytest.raises(ValueError, match="Expected 0 ≤ rate < 1"):
        layers.dropout_forward(np.ones((2, 2)), rate, np.random.default_rng(0))


def test_a_dense_layer_computes_what_the_functions_compute():
    rng = np.random.default_rng(0)
    layer, X, dZ = Dense(3, 4, rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    np.testing.assert_array_equal(layer.forward(X), layers.dense_forward(X, layer.W, layer.b))
    dX, dW, db = layers.dense_backward(dZ, X, layer.W)
    for given, expected in [(layer.backward(dZ), dX), (layer.dW, dW), (layer.db, db)]:
        np.testing.assert_allclose(given, expected, rtol=1e-14)
    assert layer.backward(dZ, input_gradient=False) is None
    assert layer.parameters.keys() == layer.gradients.keys() == {"W", "b"}


def test_dense_weights_follow_he():
    W = Dense(200, 500, np.random.default_rng(0)).W
    assert abs(W.std() / np.sqrt(2 / 200) - 1) < 0.01 and abs(W.mean()) < 0.002


def test_assigning_to_a_layer_fills_its_array_and_refuses_another_shape():
    layer = Dense(2, 3, np.random.default_rng(0))
    array = layer.W
    layer.W = np.ones((2, 3))
    assert layer.W is array and (array == 1).all()
    with pytest.raises(ValueError, match=r"the new W has shape \(3,\)"):
        layer.W = np.ones(3)


@pytest.mark.parametrize("X, W, b", [((4, 3), (2, 5), (5,)), ((4, 3), (3, 5), (1,)), ((4, 3), (3, 5), (1, 5)), ((4, 3), (3,), ())])
def test_shapes_that_do_not_fit_are_named_with_what_is_expected(X, W, b):
    with pytest.raises(ValueError, match="do not fit. Expected X") as error:
        layers.dense_forward(np.ones(X), np.ones(W), np.ones(b))
    assert str(X) in str(error.value) and str(W) in str(error.value)


def test_lists_are_refused_by_dense_forward_with_the_remedy():
    with pytest.raises(TypeError, match=r"X is a list. Expected a numpy array. Write np.array\(X\)"):
        layers.dense_forward([[1.0]], np.ones((1, 1)), np.ones(1))
