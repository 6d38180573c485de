"""Optimizers: how gradients become new parameters.

First as functions, which return new arrays; then as classes, which change a network's flat vector in place
and keep what must live from step to step.
"""

import numpy as np

from backprop_lessons.validate import check_same_optimizer


def gradient_descent_step(parameters, gradients, learning_rate):
    """Each array moved against its gradient: two lists of arrays -> a list of new arrays."""
    return [parameter - learning_rate * gradient for parameter, gradient in zip(parameters, gradients, strict=True)]


def momentum_step(parameter, gradient, velocity, learning_rate, momentum):
    """The new parameter and velocity: v ← μ v + g, then p ← p − η v (Polyak 1964; as in PyTorch)."""
    velocity = momentum * velocity + gradient
    return parameter - learning_rate * velocity, velocity


def adam_step(parameter, gradient, m, v, step, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """The new parameter, m and v. The step counts from 1 (Kingma and Ba 2015, algorithm 1).

    m and v are running means of the gradient and of its square. They start at 0, hence too small;
    dividing by 1 − βˢᵗᵉᵖ corrects that.
    """
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_corrected = m / (1 - beta1**step)
    v_corrected = v / (1 - beta2**step)
    return parameter - learning_rate * m_corrected / (np.sqrt(v_corrected) + epsilon), m, v


class GradientDescent:
    """p ← p − η g."""

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def step(self, parameters, gradients):
        """Change `parameters` [p] in place."""
        parameters -= self.learning_rate * gradients


class Momentum:
    """v ← μ v + g, then p ← p − η v: as momentum_step, in place."""

    def __init__(self, learning_rate, momentum=0.9):
        self.learning_rate, self.momentum = learning_rate, momentum
        self.velocity, self.steps = None, 0

    def step(self, parameters, gradients):
        """Change `parameters` [p] in place."""
        if self.velocity is None:
            self.velocity = np.zeros_like(parameters)
        check_same_optimizer(parameters, self.velocity)
        self.velocity *= self.momentum
        self.velocity += gradients
        parameters -= self.learning_rate * self.velocity
        self.steps += 1
        if self.steps % 32 == 0:
            clear_tiny(self.velocity)


class Adam:
    """As adam_step, in place."""

    def __init__(self, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate, self.beta1, self.beta2, self.epsilon = learning_rate, beta1, beta2, epsilon
        self.m, self.v, self.steps = None, None, 0

    def step(self, parameters, gradients):
        """Change `parameters` [p] in place."""
        if self.m is None:
            self.m, self.v = np.zeros_like(parameters), np.zeros_like(parameters)
        check_same_optimizer(parameters, self.m)
        self.steps += 1
        self.m *= self.beta1
        self.m += (1 - self.beta1) * gradients
        self.v *= self.beta2
        self.v += (1 - self.beta2) * gradients**2
        # The two corrections are plain numbers, so they are applied to numbers and not to whole vectors.
        rate = self.learning_rate / (1 - self.beta1**self.steps)
        root_correction = np.sqrt(1 - self.beta2**self.steps).item()
        parameters -= rate * self.m / (np.sqrt(self.v) / root_correction + self.epsilon)
        if self.steps % 32 == 0:
            clear_tiny(self.m)
            clear_tiny(self.v)


def clear_tiny(vector, tiny=1e-25):
    """Set entries that are too small to move any parameter to exactly 0, in place.

    Where gradients stay 0, a velocity shrinks with every step. Below 1e-38 float32 leaves its normal
    numbers, with which some processors are several times slower. This keeps it from getting there.
    """
    vector[np.abs(vector) < tiny] = 0
