"""Layers: what each one computes, and how it passes a gradient back.

First as functions, which return new arrays and never change their inputs; then as classes, which keep what
the backward pass needs. Rows are examples; the gradient of the loss with respect to X is dX, of X's shape.
"""

import numpy as np

from backprop_lessons.validate import check_dense, check_rate, check_same_shape


def dense_forward(X, W, b):
    """The outputs Z = X W + b of a dense layer: X [n, d_in], W [d_in, d_out], b [d_out] -> Z [n, d_out]."""
    check_dense(X, W, b)
    return X @ W + b  # [n, d_out]


def dense_backward(dZ, X, W):
    """The gradients dX [n, d_in], dW [d_in, d_out], db [d_out], from dZ [n, d_out]."""
    dX = dZ @ W.T  # [n, d_in]
    dW = X.T @ dZ  # [d_in, d_out], summed over the batch by the product
    db = dZ.sum(axis=0)  # [d_out], summed over the batch: every example uses the same b
    return dX, dW, db


def relu(z):
    """z where it is positive, else 0."""
    return np.maximum(z, 0)


def relu_backward(dA, Z):
    """dZ: the gradient passes where Z was positive. The derivative at 0 is taken as 0."""
    return dA * (Z > 0)


def sigmoid(z):
    """1 / (1 + e^−z), for any size of z and for complex z (gradient_check steps along i)."""
    positive = np.real(z) >= 0
    # e^−|z| never overflows; for a negative z, numerator and denominator are both multiplied by e^z.
    small = np.exp(np.where(positive, -z, z))
    return np.where(positive, 1, small) / (1 + small)


def sigmoid_backward(dA, A):
    """dZ from the output A = sigmoid(Z): the derivative is A (1 − A)."""
    return dA * A * (1 - A)


tanh = np.tanh


def tanh_backward(dA, A):
    """dZ from the output A = tanh(Z): the derivative is 1 − A²."""
    return dA * (1 - A**2)


def dropout_forward(A, rate, rng):
    """out = A · mask, and the mask: 0 with probability `rate`, else 1 / (1 − rate), so that the mean stays."""
    check_rate(rate)
    mask = (rng.random(A.shape) >= rate).astype(A.dtype) / (1 - rate)  # like A
    return A * mask, mask


def dropout_backward(dout, mask):
    """dA: what was dropped gets no gradient, what was enlarged gets an enlarged one."""
    return dout * mask


def stored(dictionary, name):
    """An attribute that reads one array of a layer's dictionary, and on assignment fills it."""
    # Filling, not replacing: inside a Network the array is a view of the network's one flat vector.

    def fill(layer, values):
        array = getattr(layer, dictionary)[name]
        check_same_shape(f"the new {name}", values, "the layer's own", array)
        array[...] = values

    return property(lambda layer: getattr(layer, dictionary)[name], fill)


class Layer:
    """A layer without parameters: `forward` remembers in `self.kept` what `backward` will need."""

    def __init__(self):
        self.parameters, self.gradients = {}, {}  # equal keys, arrays of equal shapes


class Dense(Layer):
    """Z = X W + b, with W [d_in, d_out] drawn by He's rule: normal, standard deviation √(2 / d_in)."""

    W, b = stored("parameters", "W"), stored("parameters", "b")
    dW, db = stored("gradients", "W"), stored("gradients", "b")

    def __init__(self, d_in, d_out, rng, dtype=np.float64):
        W = rng.normal(0, np.sqrt(2 / d_in), (d_in, d_out))
        self.parameters = {"W": W.astype(dtype), "b": np.zeros(d_out, dtype)}
        self.gradients = {"W": np.zeros((d_in, d_out), dtype), "b": np.zeros(d_out, dtype)}

    def forward(self, X, training=False):
        self.kept = X
        return dense_forward(X, self.W, self.b)

    def backward(self, dZ, input_gradient=True):
        # As in dense_backward, but dW and db go straight into the arrays that the optimizer reads;
        # and the first layer of a network is spared dX, the gradient of the data, which nobody asks for.
        np.matmul(self.kept.T, dZ, out=self.dW)  # [d_in, d_out]
        dZ.sum(axis=0, out=self.db)  # [d_out]
        return dZ @ self.W.T if input_gradient else None  # [n, d_in]


class ReLU(Layer):
    def forward(self, Z, training=False):
        self.kept = Z
        return relu(Z)

    def backward(self, dA, input_gradient=True):
        return relu_backward(dA, self.kept)


class Sigmoid(Layer):
    def forward(self, Z, training=False):
        self.kept = sigmoid(Z)
        return self.kept

    def backward(self, dA, input_gradient=True):
        return sigmoid_backward(dA, self.kept)


class Tanh(Layer):
    def forward(self, Z, training=False):
        self.kept = tanh(Z)
        return self.kept

    def backward(self, dA, input_gradient=True):
        return tanh_backward(dA, self.kept)


class Dropout(Layer):
    """Drops entries at random while training; at any other time it passes everything through."""

    def __init__(self, rate, rng):
        super().__init__()
        self.rate, self.rng = rate, rng

    def forward(self, A, training=False):
        out, self.kept = dropout_forward(A, self.rate, self.rng) if training else (A, 1)
        return out

    def backward(self, dout, input_gradient=True):
        return dropout_backward(dout, self.kept)
