"""The forward helpers of the course, as the sandbox gets them: without the package, without its checks.

`helpers(asked)` is the source of all but the functions asked for in the lesson at hand: an exercise's own
reference never goes there.
"""

import inspect

import numpy as np


def dense_forward(X, W, b):
    return X @ W + b  # [n, d_out]


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    small = np.exp(np.where(np.real(z) >= 0, -z, z))  # e^−|z| never overflows
    return np.where(np.real(z) >= 0, 1, small) / (1 + small)


def tanh(z):
    return np.tanh(z)


def softmax(logits):
    exponentials = np.exp(logits - np.real(logits).max(axis=-1, keepdims=True))  # [n, k]
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # [n, k]


def cross_entropy(logits, labels):
    shifted = logits - np.real(logits).max(axis=1, keepdims=True)  # [n, k]
    return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]).mean().item()


def mean_squared_error(predictions, targets):
    return ((predictions - targets) ** 2).mean().item()


HELPERS = (dense_forward, relu, sigmoid, tanh, softmax, cross_entropy, mean_squared_error)


def helpers(asked) -> str:
    """The source of the helpers whose names are not among those asked for."""
    return "\n\n".join(inspect.getsource(helper) for helper in HELPERS if helper.__name__ not in asked)
