"""Training: the four steps, repeated over minibatches and epochs."""

import math
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backprop_lessons.losses import accuracy, cross_entropy, cross_entropy_and_gradient
from backprop_lessons.progress_bar import ProgressBar
from backprop_lessons.validate import as_numbers, check_batches, check_finite, check_labels


@dataclass
class History:
    """What `train` measured, one entry an epoch. Losses are mean cross-entropies, without the penalty."""

    training_loss: list = field(default_factory=list)  # mean over the epoch's steps, while the network changes
    validation_loss: list = field(default_factory=list)  # after the epoch; empty without validation data
    validation_accuracy: list = field(default_factory=list)  # after the epoch, 0 … 1
    seconds: list = field(default_factory=list)  # since the start of training

    def __repr__(self):  # without figures: they differ from machine to machine, and so would a stored notebook
        measured = [name for name, figures in vars(self).items() if figures]
        return f"History of {len(self.seconds)} epochs: {', '.join(measured)}"


def minibatches(X, y, batch_size, rng):
    """The examples in random order, in pairs (X_batch, y_batch); the last pair may be short.

    X [n, …] and y [n, …] -> a generator. Raises ValueError if they differ in length.
    """
    check_batches(X, y, batch_size)
    order = rng.permutation(len(X))
    starts = range(0, len(X), batch_size)
    return ((X[rows], y[rows]) for rows in (order[start : start + batch_size] for start in starts))


def training_step(network, X, labels, optimizer, weight_decay=0.0):
    """One round of the four steps on one batch; returns the loss before the update."""
    logits = network.forward(X, training=True)  # 1. forward propagation
    loss, dlogits = cross_entropy_and_gradient(logits, labels)  # 2. error calculation
    network.backward(dlogits)  # 3. backward propagation
    if weight_decay:
        add_weight_decay(network, weight_decay)
    optimizer.step(network.parameters, network.gradients)  # 4. weight update
    return loss


def add_weight_decay(network, strength):
    """Add the gradient of ½ · strength · ΣW² to each dW, in place. Biases are left alone."""
    for layer in network.layers:
        if "W" in layer.parameters:
            layer.dW += strength * layer.W


def train(network, X, labels, *, optimizer, epochs, batch_size, rng,
          validation=None, weight_decay=0.0, augment=None, schedule=None, progress=True):
    """Train the network in place, with cross-entropy, and return the History.

    X [n, d], labels [n]; validation, if given, is such a pair too and is measured after each epoch.
    augment(X_batch, rng) -> X_batch changes the inputs of each step, e.g. random_shifts.
    schedule(done) -> factor scales the learning rate; `done` goes from 0 to 1, e.g. warm_up_and_decay.
    Raises ValueError or TypeError for data that the network cannot learn from.
    """
    check_batches(X, labels, batch_size)
    X, labels = _checked(network, X, labels)
    validation = validation and _checked(network, *validation)
    steps = epochs * math.ceil(len(X) / batch_size)
    history, start, full_rate = History(), time.perf_counter(), optimizer.learning_rate
    try:
        with ProgressBar(steps, show=progress) as bar:
            for epoch in range(epochs):
                losses = []
                for X_batch, y_batch in minibatches(X, labels, batch_size, rng):
                    if augment:
                        X_batch = augment(X_batch, rng)
                    if schedule:
                        optimizer.learning_rate = full_rate * schedule(bar.done / steps)
                    losses.append(training_step(network, X_batch, y_batch, optimizer, weight_decay))
                    bar.advance(f"epoch {epoch + 1} of {epochs}, loss {losses[-1]:.3f}")
                history.training_loss.append(float(np.mean(losses)))
                if validation:
                    logits = network.forward(validation[0])
                    history.validation_loss.append(cross_entropy(logits, validation[1]))
                    history.validation_accuracy.append(accuracy(logits, validation[1]))
                history.seconds.append(time.perf_counter() - start)
    finally:  # also when the learner interrupts
        optimizer.learning_rate = full_rate
    return history


def warm_up_and_decay(done, warm_up=0.1):
    """A schedule: the factor climbs to 1 over the first tenth of training, then falls along a half cosine to 0."""
    return done / warm_up if done < warm_up else (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2


def shift_images(images, rows, columns):
    """Images [n, h, w] moved down by `rows` and right by `columns` (negative: up, left); zeros move in."""
    _, height, width = images.shape
    framed = np.pad(images, ((0, 0), (abs(rows), abs(rows)), (abs(columns), abs(columns))))
    top, left = abs(rows) - rows, abs(columns) - columns  # to move the images down, look at them from higher up
    return framed[:, top : top + height, left : left + width].copy()


def random_shifts(X, rng):
    """Each square image moved by at most one pixel, down, up, right, left: X [n, side²] -> [n, side²]."""
    n, side = len(X), math.isqrt(X.shape[1])
    framed = np.zeros((n, side + 2, side + 2), X.dtype)
    framed[:, 1:-1, 1:-1] = X.reshape(n, side, side)
    windows = sliding_window_view(framed, (side, side), axis=(1, 2))  # [n, 3, 3, side, side], a view
    rows, columns = rng.integers(3, size=(2, n))
    return windows[np.arange(n), rows, columns].reshape(n, -1)


def _checked(network, X, labels):
    X = as_numbers("X", X, network.dtype)
    check_finite("X", X)
    labels = np.asarray(labels)
    check_labels(labels, len(X), classes=network.forward(X[:1]).shape[1])
    return X, labels
