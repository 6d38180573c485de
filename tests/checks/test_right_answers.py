"""Right answers in every style that we can think of: each one passes."""

import math

import numpy as np
import pytest

from backprop_lessons.checks import judge


def relu_by_where(dA, Z):
    return np.where(Z > 0, dA, 0.0)


def relu_by_mask(dA, Z):
    dZ = dA.copy()
    dZ[Z <= 0] = 0
    return dZ


def relu_by_loop(dA, Z):
    return [[g if z > 0 else 0 for g, z in zip(gs, zs)] for gs, zs in zip(dA, Z)]


def relu_by_heaviside(dA, Z):
    return dA * np.heaviside(Z, 0)


def relu_by_sign(dA, Z):
    return dA * np.maximum(np.sign(Z), 0)


def relu_from_the_output(dA, Z):
    return dA * (np.maximum(Z, 0) > 0)


def sigmoid_by_product(dA, A):
    return np.multiply(np.multiply(A, 1.0 - A), dA)


def sigmoid_by_square(dA, A):
    return dA * (A - A**2)


def sigmoid_by_loop(dA, A):
    dZ = np.empty_like(dA)
    for index in np.ndindex(*A.shape):
        dZ[index] = dA[index] * A[index] * (1 - A[index])
    return dZ


def sigmoid_in_single_precision(dA, A):
    return (dA * A * (1 - A)).astype(np.float32)


def dense_by_einsum(dZ, X, W):
    return np.einsum("nj,ij->ni", dZ, W), np.einsum("ni,nj->ij", X, dZ), np.einsum("nj->j", dZ)


def dense_by_loop(dZ, X, W):
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), np.zeros_like(dZ[0])
    for e in range(len(X)):
        dX[e] = W @ dZ[e]
        dW += np.outer(X[e], dZ[e])
        db += dZ[e]
    return [dX, dW, db]


def dense_by_dot(dZ, X, W):
    return np.dot(dZ, W.T), np.dot(X.T, dZ), np.dot(np.ones(len(dZ)), dZ)


def dense_by_transposes(dZ, X, W):
    return (W @ dZ.T).T, (dZ.T @ X).T, sum(dZ)


def sigmoid_clipped(dA, A):
    A = np.clip(A, 1e-12, 1 - 1e-12)
    return dA * A * (1 - A)


def dense_in_single_precision(dZ, X, W):
    return dense_by_loop(*(a.astype(np.float32) for a in (dZ, X, W)))


def entropy_in_single_precision(logits, labels):
    return entropy_by_index(logits.astype(np.float32), labels)


def network_in_single_precision(X, labels, *parameters):
    return network_by_hand(X.astype(np.float32), labels, *(p.astype(np.float32) for p in parameters))


def network_with_a_cautious_softmax(X, labels, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    logits = A1 @ W2 + b2
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    d2 = (powers / (powers.sum(axis=1, keepdims=True) + 1e-12) - np.eye(len(b2))[labels]) / len(X)
    d1 = d2 @ W2.T * (Z1 > 0)
    return X.T @ d1, d1.sum(0), A1.T @ d2, d2.sum(0)


def shifted_softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def entropy_by_index(logits, labels):
    dlogits = shifted_softmax(logits)
    dlogits[range(len(labels)), labels] -= 1
    return dlogits / len(labels)


def entropy_by_one_hot(logits, labels):
    return (shifted_softmax(logits) - np.eye(logits.shape[1])[labels]) / logits.shape[0]


def entropy_by_comparison(logits, labels):
    return (shifted_softmax(logits) - (np.arange(logits.shape[1]) == labels[:, None])) / len(labels)


def entropy_by_log_sum_exp(logits, labels):
    n, k = logits.shape
    logs = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    y = np.zeros((n, k))
    np.put_along_axis(y, labels[:, None], 1, axis=1)
    return (np.exp(logits - logs) - y) / n


def entropy_by_loop(logits, labels):
    n, k = logits.shape
    dlogits = []
    for row, label in zip(logits.tolist(), labels.tolist()):
        top = max(row)
        powers = [math.exp(z - top) for z in row]
        dlogits.append([(p / sum(powers) - (j == label)) / n for j, p in enumerate(powers)])
    return dlogits


def network_by_hand(X, labels, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    P = shifted_softmax(A1 @ W2 + b2)
    P[np.arange(len(labels)), labels] -= 1
    P /= len(labels)
    dZ1 = P @ W2.T
    dZ1[Z1 <= 0] = 0
    return X.T @ dZ1, dZ1.sum(0), A1.T @ P, P.sum(0)


def network_by_example(X, labels, W1, b1, W2, b2):
    gradients = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
    for x, label in zip(X, labels):
        z = x @ W1 + b1
        a = np.maximum(z, 0)
        d = shifted_softmax((a @ W2 + b2)[None])[0]
        d[label] -= 1
        h = (W2 @ d) * (a > 0)
        for total, part in zip(gradients, (np.outer(x, h), h, np.outer(a, d), d)):
            total += part / len(X)
    return gradients


def network_mean_at_the_end(X, labels, W1, b1, W2, b2):
    n = len(X)
    Z1 = X.dot(W1) + b1
    A1 = Z1 * (Z1 > 0)
    d2 = shifted_softmax(A1.dot(W2) + b2) - np.eye(len(b2))[labels]
    d1 = d2.dot(W2.T) * (Z1 > 0)
    return X.T.dot(d1) / n, d1.mean(axis=0), A1.T.dot(d2) / n, d2.mean(axis=0)


def network_with_stacked_bias(X, labels, W1, b1, W2, b2):
    def with_one(A):
        return np.hstack([A, np.ones((len(A), 1))])
    V1, V2 = np.vstack([W1, b1]), np.vstack([W2, b2])
    Z1 = with_one(X) @ V1
    A1 = np.maximum(Z1, 0)
    d2 = entropy_by_one_hot(with_one(A1) @ V2, labels)
    d1 = (d2 @ W2.T) * (Z1 > 0)
    G1, G2 = with_one(X).T @ d1, with_one(A1).T @ d2
    return G1[:-1], G1[-1], G2[:-1], G2[-1]


def error_by_linalg(analytic, numerical):
    scale = max(np.linalg.norm(analytic), np.linalg.norm(numerical))
    return np.linalg.norm(analytic - numerical) / scale if scale > 0 else 0.0


def error_by_roots(a, n):
    top = np.sqrt(np.sum((a - n) ** 2))
    bottom = max(np.sqrt(np.sum(a**2)), np.sqrt(np.sum(n**2)))
    return 0 if bottom == 0 else top / bottom


def error_by_math(a, n):
    a, n = a.ravel().tolist(), n.ravel().tolist()
    bottom = max(math.hypot(*a), math.hypot(*n))
    return math.dist(a, n) / bottom if bottom else 0.0


def error_with_a_tiny_floor(a, n):
    return np.linalg.norm(a - n) / max(np.linalg.norm(a), np.linalg.norm(n), 1e-300)


def error_by_try(a, n):
    if np.array_equal(a, n):
        return 0.0
    return np.asarray(np.linalg.norm((a - n).flatten(), 2) / np.maximum(np.linalg.norm(a), np.linalg.norm(n)))


RIGHT = {
    "relu_backward": [relu_by_where, relu_by_mask, relu_by_loop, relu_by_heaviside, relu_by_sign,
                      relu_from_the_output],
    "sigmoid_backward": [sigmoid_by_product, sigmoid_by_square, sigmoid_by_loop, sigmoid_in_single_precision,
                         sigmoid_clipped],
    "dense_backward": [dense_by_einsum, dense_by_loop, dense_by_dot, dense_by_transposes, dense_in_single_precision],
    "cross_entropy_backward": [entropy_by_index, entropy_by_one_hot, entropy_by_comparison, entropy_by_log_sum_exp,
                               entropy_by_loop, entropy_in_single_precision],
    "network_backward": [network_by_hand, network_by_example, network_mean_at_the_end, network_with_stacked_bias,
                         network_in_single_precision, network_with_a_cautious_softmax],
    "gradient_error": [error_by_linalg, error_by_roots, error_by_math, error_with_a_tiny_floor, error_by_try],
}


@pytest.mark.parametrize("name, function", [(n, f) for n, fs in RIGHT.items() for f in fs],
                         ids=lambda x: getattr(x, "__name__", x))
def test_right_answers_pass_whatever_their_style(name, function):
    for seed in range(20):
        verdict = judge(name, function, rng=np.random.default_rng(seed))
        assert verdict.passed, (seed, verdict)
