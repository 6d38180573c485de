"""Losses: how wrong the network is, in one number, and the gradient of that number.

Each loss is a mean (over the batch, or over every entry), so that its size does not depend on how many
examples there are. Each is followed by its backward function. They also take complex numbers, because
gradient_check steps along i: hence the `np.real` where a size is compared.
"""

import numpy as np

from backprop_lessons.layers import sigmoid
from backprop_lessons.validate import check_finite, check_labels, check_matrix, check_same_shape


def softmax(logits):
    """Probabilities: e^logits, divided by their sum over each row; logits [n, k] -> [n, k]."""
    # Subtracting each row's largest logit changes no probability and keeps e^… from overflowing.
    exponentials = np.exp(logits - np.real(logits).max(axis=-1, keepdims=True))  # [n, k]
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # [n, k]


def cross_entropy(logits, labels):
    """Mean over the batch of −ln(probability given to the true class): logits [n, k], labels [n] -> float.

    Raises ValueError or TypeError for logits that are not a finite matrix, for labels that are not
    integers in 0 … k − 1.
    """
    logits, labels = _checked(logits, labels)
    shifted = logits - np.real(logits).max(axis=1, keepdims=True)  # [n, k]
    log_sums = np.log(np.exp(shifted).sum(axis=1))  # [n]
    # −ln softmax, without ever forming a probability that could round to 0.
    surprises = log_sums - shifted[np.arange(len(labels)), labels]  # [n]
    return surprises.mean().item()


def cross_entropy_backward(logits, labels):
    """dlogits [n, k] of the mean loss: (softmax − one-hot labels) / n."""
    logits, labels = _checked(logits, labels)
    n = len(labels)
    dlogits = softmax(logits)  # [n, k]
    dlogits[np.arange(n), labels] -= 1
    dlogits /= n
    return dlogits


def cross_entropy_and_gradient(logits, labels):
    """The loss and dlogits of the two functions above at once: training shares their exponentials."""
    logits, labels = _checked(logits, labels)
    n = len(labels)
    rows = np.arange(n)
    shifted = logits - logits.max(axis=1, keepdims=True)  # [n, k]
    exponentials = np.exp(shifted)  # [n, k]
    sums = exponentials.sum(axis=1, keepdims=True)  # [n, 1]
    loss = (np.log(sums).sum() - shifted[rows, labels].sum()) / n
    dlogits = exponentials / sums  # [n, k]
    dlogits[rows, labels] -= 1
    dlogits /= n
    return loss.item(), dlogits


def mean_squared_error(predictions, targets):
    """Mean over every entry of (predictions − targets)²: two arrays of one shape -> float."""
    predictions, targets = _checked_pair("predictions", predictions, targets)
    return np.mean((predictions - targets) ** 2).item()


def mean_squared_error_backward(predictions, targets):
    """dpredictions, of the shape of predictions: 2 (predictions − targets) / number of entries."""
    predictions, targets = _checked_pair("predictions", predictions, targets)
    return 2 * (predictions - targets) / np.size(predictions)


def binary_cross_entropy(logits, targets):
    """Mean over the batch of −ln(probability given to the true answer): logits [n], targets [n] in {0, 1} -> float."""
    logits, targets = _checked_pair("logits", logits, targets)
    _check_between_0_and_1(targets)
    # −t ln σ(z) − (1 − t) ln(1 − σ(z)) = max(z, 0) − t z + ln(1 + e^−|z|), which never overflows.
    positive = np.real(logits) >= 0
    softplus = np.where(positive, logits, 0) + np.log1p(np.exp(np.where(positive, -logits, logits)))  # [n]
    return np.mean(softplus - targets * logits).item()


def binary_cross_entropy_backward(logits, targets):
    """dlogits [n] of the mean loss: (sigmoid(logits) − targets) / n."""
    logits, targets = _checked_pair("logits", logits, targets)
    _check_between_0_and_1(targets)
    return (sigmoid(logits) - targets) / np.size(logits)


def l2_penalty(W, strength):
    """½ · strength · ΣW², and its gradient with respect to W, strength · W."""
    return (0.5 * strength * np.sum(W**2)).item(), strength * W


def accuracy(logits, labels):
    """The share of rows whose largest logit stands at the label: logits [n, k], labels [n] -> 0 … 1."""
    logits, labels = _checked(logits, labels)
    return np.mean(np.argmax(logits, axis=1) == labels).item()


def _checked(logits, labels):
    logits, labels = np.asarray(logits), np.asarray(labels)
    check_matrix("logits", logits, columns_are="classes")
    check_labels(labels, *logits.shape)
    check_finite("logits", logits)
    return logits, labels


def _checked_pair(name, predictions, targets):
    predictions, targets = np.asarray(predictions), np.asarray(targets)
    check_same_shape(name, predictions, "targets", targets)
    if np.size(predictions) == 0:
        raise ValueError(f"{name} is empty. A mean needs at least one entry.")
    check_finite(name, predictions)
    check_finite("targets", targets)
    return predictions, targets


def _check_between_0_and_1(targets):
    if np.min(targets) < 0 or np.max(targets) > 1:
        raise ValueError(f"targets run from {np.min(targets)} to {np.max(targets)}. Expected 0 for one class and 1 "
                         f"for the other. For labels −1 and 1, write (labels + 1) / 2.")
