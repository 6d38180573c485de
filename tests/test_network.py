"""The network: PyTorch's gradients, one flat vector behind all layers, copies, and errors that help."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import pytorch

from backprop_lessons.gradient_check import complex_step_gradient
from backprop_lessons.layers import Dense, Dropout, ReLU, Sigmoid, Tanh
from backprop_lessons.losses import cross_entropy, cross_entropy_backward
from backprop_lessons.network import Network


@pytest.fixture
def network():
    return Network.mlp((4, 5, 3), np.random.default_rng(0))


def test_loss_and_gradients_agree_with_pytorch():
    p = pytorch("network")
    network = Network.mlp((5, 7, 3), np.random.default_rng(0))
    first, _, second = network.layers
    first.W, first.b, second.W, second.b = p["W1"], p["b1"], p["W2"], p["b2"]
    logits = network.forward(p["X"])
    network.backward(cross_entropy_backward(logits, p["labels"]))
    np.testing.assert_allclose(cross_entropy(logits, p["labels"]), p["loss"], rtol=1e-12)
    for name, gradient in {"dW1": first.dW, "db1": first.db, "dW2": second.dW, "db2": second.db}.items():
        np.testing.assert_allclose(gradient, p[name], rtol=0, atol=1e-12)


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), n=st.integers(1, 4), seed=st.integers(0, 2**32 - 1),
       hidden=st.sampled_from([ReLU, Sigmoid, Tanh]))
def test_gradients_of_any_network_agree_with_measured_ones(sizes, n, seed, hidden):
    rng = np.random.default_rng(seed)
    network = Network.mlp(sizes, rng, hidden=hidden)
    network.parameters += rng.normal(size=network.parameters.size) / 10  # biases too are not zero
    X, labels, twin = rng.normal(size=(n, sizes[0])), rng.integers(0, sizes[-1], n), network.astype(complex)

    def loss(parameters):
        twin.parameters = parameters
        return cross_entropy(twin.forward(X), labels)

    twin_of_X = network.astype(complex)
    dX = network.backward(cross_entropy_backward(network.forward(X), labels), input_gradient=True)
    np.testing.assert_allclose(network.gradients, complex_step_gradient(loss, network.parameters), rtol=1e-9, atol=1e-14)
    measured_dX = complex_step_gradient(lambda X: cross_entropy(twin_of_X.forward(X), labels), X)
    np.testing.assert_allclose(dX, measured_dX, rtol=1e-9, atol=1e-14)


def test_the_layers_arrays_are_views_of_the_flat_vectors(network):
    assert network.parameters.shape == network.gradients.shape == (4 * 5 + 5 + 5 * 3 + 3,)
    network.parameters[:] = np.arange(43)
    assert network.layers[0].W[0].tolist() == [0, 1, 2, 3, 4] and network.layers[2].b.tolist() == [40, 41, 42]
    network.layers[2].W = np.full((5, 3), 7.0)
    assert (network.parameters[25:40] == 7).all()
    network.backward(network.forward(np.ones((2, 4))))
    for layer in network.layers:
        for array in layer.gradients.values():
            assert np.shares_memory(array, network.gradients)


def test_backward_fills_and_does_not_add(network):
    X, dlogits = np.ones((2, 4)), np.ones((2, 3))
    for _ in range(2):
        network.forward(X)
        network.backward(dlogits)
    np.testing.assert_allclose(network.layers[2].db, 2)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n)), lambda n: n.astype(np.float64)])
def test_a_copy_is_whole_and_independent(network, copied):
    X, before = np.ones((2, 4)), network.parameters.copy()
    twin = copied(network)
    np.testing.assert_array_equal(twin.forward(X), network.forward(X))
    twin.parameters += 1
    assert (network.parameters == before).all()
    assert np.shares_memory(twin.layers[0].W, twin.parameters) and (twin.forward(X) != network.forward(X)).any()


def test_the_same_rng_gives_the_same_network_in_either_dtype():
    wide, narrow = (Network.mlp((3, 4, 2), np.random.default_rng(5), dtype=t) for t in (np.float64, np.float32))
    np.testing.assert_array_equal(wide.parameters.astype(np.float32), narrow.parameters)
    assert narrow.forward(np.ones((1, 3))).dtype == np.float32  # the inputs are brought to the network's dtype


def test_predict_and_probabilities(network):
    X = np.random.default_rng(1).normal(size=(6, 4))
    probabilities = network.probabilities(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (network.predict(X) == probabilities.argmax(axis=1)).all()


def test_dropout_is_off_unless_training():
    rng = np.random.default_rng(0)
    network = Network([Dense(4, 50, rng), Dropout(0.5, rng), Dense(50, 2, rng)])
    X = np.ones((3, 4))
    assert (network.forward(X) == network.forward(X)).all()
    assert (network.forward(X, training=True) != network.forward(X, training=True)).any()


def test_whole_numbers_are_fine_as_inputs(network):
    assert (network.forward([[0, 1, 0, 1]]) == network.forward(np.array([[0.0, 1, 0, 1]]))).all()


def test_it_prints_what_it_is(network):
    assert repr(network) == "Network(Dense 4 → 5, ReLU, Dense 5 → 3; 43 parameters, float64)"


def dense(dtype):
    return Dense(2, 2, np.random.default_rng(0), dtype)


ERRORS = [
    ("wrong width", lambda n: n.forward(np.ones((2, 3))), ValueError, r"X has shape \(2, 3\). Expected \[n, 4\]"),
    ("one example", lambda n: n.forward(np.ones(4)), ValueError, r"write X\[None, :\]"),
    ("images", lambda n: n.forward(np.ones((2, 2, 2))), ValueError, r"images.reshape\(len\(images\), -1\)"),
    ("bytes", lambda n: n.forward(np.ones((2, 4), np.uint8)), TypeError, "X / 255"),
    ("words", lambda n: n.forward(np.array([["a"] * 4])), TypeError, "Expected real numbers"),
    ("complex", lambda n: n.forward(np.ones((2, 4)) * 1j), TypeError, "complex128. Expected real numbers"),
    ("NaN", lambda n: n.predict(np.full((2, 4), np.nan)), ValueError, "X has 8 entries that are NaN"),
    ("NaN again", lambda n: n.probabilities(np.full((2, 4), np.nan)), ValueError, "X has 8 entries that are NaN"),
    ("backward first", lambda n: n.backward(np.ones((2, 3))), RuntimeError, "Call forward"),
    ("dlogits of another batch", lambda n: n.backward(n.forward(np.ones((2, 4)))[:1]), ValueError, r"dlogits has shape \(1, 3\)"),
    ("too few parameters", lambda n: setattr(n, "parameters", np.ones(3)), ValueError, "the new parameters"),
    ("a layer of another network", lambda n: Network(n.layers[:1]), ValueError, "already belongs to a network"),
    ("two dtypes", lambda n: Network([dense(np.float32), dense(np.float64)]), TypeError, "Give every layer the same dtype"),
    ("one size", lambda n: Network.mlp((4,), np.random.default_rng(0)), ValueError, "Expected two or more whole numbers"),
    ("half a neuron", lambda n: Network.mlp((4, 2.5), np.random.default_rng(0)), ValueError, "such as"),
]


@pytest.mark.parametrize("act, kind, words", [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_errors_say_what_was_given_what_is_expected_and_what_to_do(network, act, kind, words):
    with pytest.raises(kind, match=words):
        act(network)
