"""Gradient check: compare the gradients of backpropagation with gradients measured by nudging.

Measuring takes one or two forward passes for every single parameter: too slow for training, but it knows
nothing of backpropagation, so the two agree only if both are right. Use float64: float32 is too coarse.
"""

from dataclasses import dataclass

import numpy as np

from backprop_lessons.losses import cross_entropy, cross_entropy_backward
from backprop_lessons.validate import check_checkable, check_same_shape


def numerical_gradient(f, x, step=1e-5):
    """The gradient of f at x by central differences, (f(x + step) − f(x − step)) / (2 step), entry by entry.

    f takes an array like x and returns a number; x is not changed. The error is about step² from the curve
    of f and 1e-16 / step from rounding, which 1e-5 balances.
    """
    x = np.array(x)  # a copy
    if x.dtype.kind != "f":
        x = x.astype(float)  # whole numbers cannot be nudged
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        center = x[index]
        x[index] = center + step
        above = f(x)
        x[index] = center - step
        below = f(x)
        x[index] = center
        gradient[index] = (above - below) / (2 * step)
    return gradient


def complex_step_gradient(f, x, step=1e-30):
    """The gradient of f at x by a step along i: the imaginary part of f(x + i step), divided by step.

    Nothing is subtracted, so nothing is rounded away, and the step can be tiny: exact to the last digits
    (Squire and Trapp 1998). f must be smooth at x and made of operations that keep complex numbers.
    """
    x = np.array(x, dtype=complex)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += 1j * step
        value = f(x)
        if not np.iscomplexobj(value):
            raise TypeError("f returned a real number for a complex x. Expected a complex number. Leave out float(), "
                            "abs(), .real and arrays of dtype float inside f, or use numerical_gradient.")
        gradient[index] = np.imag(value) / step
        x[index] = x[index].real
    return gradient


def gradient_error(analytic, numerical):
    """‖analytic − numerical‖ / max(‖analytic‖, ‖numerical‖), a float; 0.0 if both are zero."""
    check_same_shape("analytic", analytic, "numerical", numerical)
    difference = np.linalg.norm(np.subtract(analytic, numerical))
    largest = max(np.linalg.norm(analytic), np.linalg.norm(numerical))
    return float(difference / largest) if largest else 0.0


MEASURES = {"central differences": (numerical_gradient, float), "complex step": (complex_step_gradient, complex)}


@dataclass
class ArrayCheck:
    """One parameter array's part of a report."""

    name: str  # e.g. "layer 1 dW"
    shape: tuple
    entries: np.ndarray  # which entries were measured, counted in the flattened array [m]
    analytic: np.ndarray  # their gradients by backpropagation [m]
    numerical: np.ndarray  # their measured gradients [m]
    tolerance: float

    @property
    def error(self):
        return gradient_error(self.analytic, self.numerical)

    @property
    def passed(self):
        return self.error <= self.tolerance  # never true for NaN

    def __str__(self):
        verdict = "✓ agrees"
        if not self.passed:
            worst = np.argmax(np.abs(self.analytic - self.numerical))
            index = [int(i) for i in np.unravel_index(self.entries[worst], self.shape)]
            verdict = (f"✗ wrong: error {self.error:.1e}, worst at {index}: "
                       f"backward {self.analytic[worst]:.4g}, measured {self.numerical[worst]:.4g}")
        elif not (self.analytic.any() or self.numerical.any()):
            verdict = "○ all zero: this shows nothing"
        return f"{self.name:<12} {list(self.shape)!s:<12} {f'{len(self.entries)} of {np.prod(self.shape):,}':<15} {verdict}"


@dataclass
class GradientReport:
    """What check_gradients found. It prints as a table; an error appears only where it is too large."""

    arrays: list
    method: str
    tolerance: float

    @property
    def passed(self):
        return all(array.passed for array in self.arrays)

    def __str__(self):
        wrong = sum(not array.passed for array in self.arrays)
        title = f"Backpropagation against {self.method}, tolerance {self.tolerance:g}"
        head = f"{'gradient':<12} {'shape':<12} {'entries checked':<15} verdict"
        foot = f"All {len(self.arrays)} gradients agree."
        if wrong:
            foot = (f"{wrong} of {len(self.arrays)} gradients are wrong. A fault shows in its own layer and in those before "
                    f"it: look at the last wrong one first.")
        return "\n".join([title, head, *map(str, self.arrays), foot])

    __repr__ = __str__


def check_gradients(network, X, labels, *, loss=cross_entropy, loss_backward=cross_entropy_backward,
                    method="central differences", tolerance=1e-7, entries=100, rng=None):
    """Compare network.backward with measured gradients, array by array -> GradientReport.

    method is "central differences" or "complex step" (exact, also beside ReLU's kinks). Of a larger array
    `entries` are drawn by the rng. The network stays as it is; dropout is off. Raises TypeError for float32.
    """
    check_checkable(network.dtype, method, MEASURES)
    measure, dtype = MEASURES[method]
    rng = np.random.default_rng(0) if rng is None else rng
    network, probe = network.astype(np.float64), network.astype(dtype)  # copies
    network.backward(loss_backward(network.forward(X), labels))
    gradients = {f"layer {number} d{name}": gradient for number, layer in enumerate(network.layers, start=1)
                 for name, gradient in layer.gradients.items()}
    arrays, start = [], 0
    for name, gradient in gradients.items():
        chosen = np.sort(rng.choice(gradient.size, min(entries, gradient.size), replace=False))
        places = start + chosen  # in the vector of all parameters
        start += gradient.size

        def loss_at(values):
            parameters = network.parameters.astype(dtype)
            parameters[places] = values
            probe.parameters = parameters
            return loss(probe.forward(X), labels)

        numerical = measure(loss_at, network.parameters[places])
        arrays.append(ArrayCheck(name, gradient.shape, chosen, gradient.ravel()[chosen], numerical, tolerance))
    return GradientReport(arrays, method, tolerance)
