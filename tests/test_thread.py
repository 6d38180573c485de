"""The thread: the 2-2-2 network of M. Mazur, A Step by Step Backpropagation Example (2015), to its published digits.

Its ½Σ over two outputs is our mean over two entries. The biases are not updated.
"""

import numpy as np
import pytest

from backprop_lessons.autodiff import Value
from backprop_lessons.layers import Dense, Sigmoid, dense_backward, dense_forward, sigmoid, sigmoid_backward
from backprop_lessons.losses import mean_squared_error, mean_squared_error_backward
from backprop_lessons.network import Network
from backprop_lessons.optimizers import gradient_descent_step

X, TARGETS, RATE = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]), 0.5
W1, b1 = np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([0.35, 0.35])  # column j feeds hidden neuron j: w1 … w4
W2, b2 = np.array([[0.40, 0.50], [0.45, 0.55]]), np.array([0.60, 0.60])  # w5 … w8
UPDATED = {
    "W1": [[0.149780716, 0.24975114], [0.19956143, 0.29950229]],
    "W2": [[0.35891648, 0.511301270], [0.408666186, 0.561370121]],
}


def forward(W1, W2):
    H = sigmoid(dense_forward(X, W1, b1))  # [1, 2]
    return H, sigmoid(dense_forward(H, W2, b2))  # [1, 2]


def error(W1, W2):
    return mean_squared_error(forward(W1, W2)[1], TARGETS)


def one_update(W1, W2, updated_too_early=False):
    """One round. With updated_too_early, the hidden gradients are computed with the new output weights."""
    H, out = forward(W1, W2)
    dZ2 = sigmoid_backward(mean_squared_error_backward(out, TARGETS), out)  # [1, 2]
    dH, dW2, _ = dense_backward(dZ2, H, W2)
    (new_W2,) = gradient_descent_step([W2], [dW2], RATE)
    if updated_too_early:
        dH = dZ2 @ new_W2.T
    dW1 = dense_backward(sigmoid_backward(dH, H), X, W1)[1]
    return gradient_descent_step([W1], [dW1], RATE)[0], new_W2, dW1, dW2


def after_rounds(rounds, **how):
    weights = W1, W2
    for _ in range(rounds):
        weights = one_update(*weights, **how)[:2]
    return weights


def test_the_forward_pass():
    np.testing.assert_allclose(forward(W1, W2)[1], [[0.75136507, 0.772928465]], rtol=0, atol=5e-9)
    assert error(W1, W2) == pytest.approx(0.298371109, abs=5e-10)


def test_the_gradient_of_w5_and_the_updated_weights():
    new_W1, new_W2, _, dW2 = one_update(W1, W2)
    assert dW2[0, 0] == pytest.approx(0.082167041, abs=5e-10)
    np.testing.assert_allclose(new_W1, UPDATED["W1"], rtol=0, atol=5e-9)
    np.testing.assert_allclose(new_W2, UPDATED["W2"], rtol=0, atol=5e-9)


def test_the_error_after_one_update_right_and_as_published():
    assert f"{error(*after_rounds(1)):.9f}" == "0.291027774"
    assert f"{error(*after_rounds(1, updated_too_early=True)):.9f}" == "0.291027924"


def test_ten_thousand_rounds_right_and_as_published():
    right, published = after_rounds(10_000), after_rounds(10_000, updated_too_early=True)
    np.testing.assert_allclose(forward(*right)[1], [[0.01591362, 0.98406427]], rtol=0, atol=5e-9)
    assert f"{error(*right):.10f}" == "0.0000351019"
    np.testing.assert_allclose(forward(*published)[1], [[0.015912196, 0.984065734]], rtol=0, atol=5e-10)


def test_the_network_class_has_the_same_gradients():
    rng = np.random.default_rng(0)
    network = Network([Dense(2, 2, rng), Sigmoid(), Dense(2, 2, rng), Sigmoid()])
    hidden, _, output, _ = network.layers
    hidden.W, hidden.b, output.W, output.b = W1, b1, W2, b2
    network.backward(mean_squared_error_backward(network.forward(X), TARGETS))
    _, _, dW1, dW2 = one_update(W1, W2)
    np.testing.assert_allclose(hidden.dW, dW1, rtol=1e-13)
    np.testing.assert_allclose(output.dW, dW2, rtol=1e-13)


def test_the_autodiff_engine_has_the_same_gradients():
    w = [Value(number) for number in (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)]
    h1 = (w[0] * 0.05 + w[1] * 0.10 + 0.35).sigmoid()
    h2 = (w[2] * 0.05 + w[3] * 0.10 + 0.35).sigmoid()
    o1 = (w[4] * h1 + w[5] * h2 + 0.60).sigmoid()
    o2 = (w[6] * h1 + w[7] * h2 + 0.60).sigmoid()
    total = ((o1 - 0.01) ** 2 + (o2 - 0.99) ** 2) / 2
    total.backward()
    _, _, dW1, dW2 = one_update(W1, W2)
    assert total.data == pytest.approx(0.298371109, abs=5e-10)
    np.testing.assert_allclose([v.grad for v in w], [*dW1.T.ravel(), *dW2.T.ravel()], rtol=1e-12)
