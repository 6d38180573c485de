"""Four toy problems in the plane: two classes of points that no straight line separates.

Each function takes the number of points, the spread of the noise and a random generator, and returns
X [n, 2] (float64) and labels [n] (0 or 1, int64), shuffled. Half of the points belong to each class.
"""

import numpy as np


def moons(n, noise, rng):
    """Two half circles that reach into each other.

    noise: standard deviation of what is added to each coordinate; the half circles have radius 1.
    Raises ValueError for a wrong n or noise, TypeError for a wrong rng.
    """
    labels = _balanced_labels(n, noise, rng)  # [n]
    angle = rng.uniform(0, np.pi, n)  # [n]
    upper = np.column_stack([np.cos(angle), np.sin(angle)])  # [n, 2]
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])  # [n, 2]
    return _with_noise(np.where(labels[:, None] == 0, upper, lower), noise, rng), labels


def spirals(n, noise, rng):
    """Two spirals, one and a half turns each, wound around each other.

    noise: standard deviation of what is added to each coordinate; the spirals end at radius 1.
    Raises ValueError for a wrong n or noise, TypeError for a wrong rng.
    """
    labels = _balanced_labels(n, noise, rng)  # [n]
    radius = np.sqrt(rng.uniform(0.01, 1, n))  # [n]; the root spreads the points evenly along the arm
    angle = 3 * np.pi * radius + np.pi * labels  # [n]; the second spiral is the first, half a turn on
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])  # [n, 2]
    return _with_noise(points, noise, rng), labels


def circles(n, noise, rng):
    """A small circle (radius 0.5) inside a large one (radius 1).

    noise: standard deviation of what is added to each coordinate.
    Raises ValueError for a wrong n or noise, TypeError for a wrong rng.
    """
    labels = _balanced_labels(n, noise, rng)  # [n]
    angle = rng.uniform(0, 2 * np.pi, n)  # [n]
    radius = np.where(labels == 0, 1.0, 0.5)  # [n]
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])  # [n, 2]
    return _with_noise(points, noise, rng), labels


def xor(n, noise, rng):
    """Four corners of a square (±1, ±1); class 1 where the two signs differ.

    noise: standard deviation of what is added to each coordinate.
    Raises ValueError for a wrong n or noise, TypeError for a wrong rng.
    """
    labels = _balanced_labels(n, noise, rng)  # [n]
    first = rng.choice([-1.0, 1.0], n)  # [n]
    points = np.column_stack([first, np.where(labels == 0, first, -first)])  # [n, 2]
    return _with_noise(points, noise, rng), labels


def _balanced_labels(n, noise, rng):
    """Check the arguments; as many zeros as ones (one zero more if n is odd), in random order."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {rng!r}; pass a generator, for example np.random.default_rng(0).")
    if n != int(n) or n < 1:
        raise ValueError(f"n is {n}; pass a whole number of points, 1 or more.")
    if not noise >= 0:
        raise ValueError(f"noise is {noise}; it is a standard deviation: pass 0 or more.")
    return rng.permutation(np.arange(n) % 2)


def _with_noise(points, noise, rng):
    return points + noise * rng.standard_normal(points.shape)  # [n, 2]
