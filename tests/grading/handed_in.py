"""What students hand in, made by code: right answers to lesson 04, and notebooks of any cells."""

import json

# One right answer for each exercise of lesson 04, as a student writes it.
RIGHT = {
    "relu_backward": """
def relu_backward(dA, Z):
    return dA * (Z > 0)
""",
    "sigmoid_backward": """
def sigmoid_backward(dA, A):
    return dA * A * (1 - A)
""",
    "dense_backward": """
def dense_backward(dZ, X, W):
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=0)
""",
    "cross_entropy_backward": """
def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)

def cross_entropy_backward(logits, labels):
    dlogits = softmax(logits)
    dlogits[np.arange(len(labels)), labels] -= 1
    return dlogits / len(labels)
""",
    "network_backward": """
def network_backward(X, labels, W1, b1, W2, b2):
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    dlogits = cross_entropy_backward(A1 @ W2 + b2, labels)
    dA1, dW2, db2 = dense_backward(dlogits, A1, W2)
    dX, dW1, db1 = dense_backward(relu_backward(dA1, Z1), X, W1)
    return dW1, db1, dW2, db2
""",
    "gradient_error": """
def gradient_error(analytic, numerical):
    largest = max(np.linalg.norm(analytic), np.linalg.norm(numerical))
    return 0.0 if largest == 0 else np.linalg.norm(analytic - numerical) / largest
""",
}
FULL_MARKS = 13
TIME_LIMIT = 1.0  # seconds; a right answer takes milliseconds, an endless one all of it
POINTS = {"relu_backward": 1, "sigmoid_backward": 1, "dense_backward": 3, "cross_entropy_backward": 3,
          "network_backward": 4, "gradient_error": 1}


def notebook(*cells, lesson="04") -> str:
    """A notebook file with these code cells."""
    return json.dumps({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"backprop_lessons": {"lesson": lesson}} if lesson else {},
        "cells": [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# My answers"}] + [
            {"cell_type": "code", "id": f"cell-{i}", "metadata": {}, "execution_count": None, "outputs": [],
             "source": source.strip("\n").splitlines(keepends=True)} for i, source in enumerate(cells)]})


def honest(**changed) -> list[str]:
    """The cells of a right submission; name=source puts another answer in the place of that one."""
    return ["import numpy as np", *{**RIGHT, **changed}.values()]
