"""DrawDigit: draw a digit, or take one from the data, and see what a network makes of it."""

import numpy as np
from traitlets import Dict

from backprop_lessons.validate import check_finite, check_labels, check_matrix

from .stage import Stage, png, script, shows_errors, style

SIDE, BOX = 28, 20  # of the data's pictures, and of the box inside them that holds the ink
INK_SIDE = 112  # of the drawing that the page sends
FAINT = 0.1  # ink below this does not count when the drawing's edges are looked for


class DrawDigit(Stage):
    """A sheet to draw a digit on, with the picture that `network` sees and its ten probabilities beside it.

    network: anything with probabilities(X [1, 784]) -> [1, 10], such as a trained Network; it is asked anew at each
    stroke, so that it may go on learning. digits: what load_digits() returns, or a pair (images [n, 784] of numbers
    0…1, labels [n]) to pick from; without it, the course's 2,000 test digits.
    Raises TypeError or ValueError for a network or digits that cannot be used so.
    """

    _esm, _css = script("draw_digit.js"), style("draw_digit.css")
    caption = "Run this cell to draw a digit and see how the network reads it."

    reading = Dict().tag(sync=True)  # of the latest picture: see _show

    def __init__(self, network, digits=None):
        if not callable(getattr(network, "probabilities", None)):
            raise TypeError(f"network is {network!r}, which has no probabilities(X). Expected a trained network. "
                            f"Make one with Network.mlp((784, 128, 10), rng) and train it first.")
        self._network = network
        self._images, self._labels = _pictures_and_labels(digits)
        super().__init__()
        probabilities = self._ask(self._images[:100])  # enough to open with one that is read well
        well_read = probabilities[np.arange(len(probabilities)), self._labels[:100]] > 0.9
        self.pick(int(np.argmax(well_read)))
        self.on_msg(self._on_message)

    @shows_errors
    def read(self, ink):
        """Read a drawing [h, w] of numbers from 0 (paper) to 1 (ink), of any size."""
        picture = centre_and_scale(ink)  # [28, 28]
        if picture.any():
            self._show(picture, self._ask(picture.reshape(1, -1))[0])
        else:
            self._show(picture, None)

    @shows_errors
    def pick(self, index):
        """Read a digit from the data, as it is, and tell its label."""
        index %= len(self._images)
        self._picked = index  # "next" goes on from here, also after a drawing
        picture = self._images[index]  # [784]
        self._show(picture, self._ask(picture[None, :])[0], index)

    @shows_errors
    def pick_misread(self):
        """Read the next digit in the data that the network takes for another."""
        misread = np.flatnonzero(np.argmax(self._ask(self._images), axis=1) != self._labels)
        if len(misread):
            later = misread[misread > self._picked]
            self.pick(int((later if len(later) else misread)[0]))
        else:
            self.reading = self.reading | {"text": f"The network reads all {len(self._labels):,} digits as their labels say."}

    def _show(self, picture, probabilities, index=None):
        label = None if index is None else int(self._labels[index])
        self.reading = {
            "picture": np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8).tobytes(),  # 784 bytes
            "probabilities": [] if probabilities is None else [float(p) for p in probabilities],  # ten, or none
            "text": describe_reading(probabilities, label),
            "index": index,  # in the data; None for a drawing
            "label": label,
        }

    def _ask(self, X):
        """The network's probabilities for X [n, 784], as [n, 10]."""
        probabilities = np.asarray(self._network.probabilities(X))
        if probabilities.shape != (len(X), 10):
            raise ValueError(f"network.probabilities gave shape {probabilities.shape} for {len(X)} pictures. Expected "
                             f"({len(X)}, 10), one probability for each digit. Give the network ten outputs.")
        check_finite("network.probabilities(X)", probabilities)
        return probabilities

    def _on_message(self, _, content, buffers):
        kind = content.get("kind")
        try:
            if kind == "ink":
                self.read(np.frombuffer(buffers[0], np.uint8).reshape(INK_SIDE, INK_SIDE) / 255)
            elif kind == "next":
                self.pick(self._picked + 1)
            elif kind == "previous":
                self.pick(self._picked - 1)
            elif kind == "misread":
                self.pick_misread()
        finally:
            self.send({"kind": "done"})  # only then the page sends again, so that drawings never queue up

    @property
    def still_alt(self):
        best = np.argmax(self.reading["probabilities"] or [0] * 10)  # its exact figures differ between computers
        return (f"A handwritten digit of 28 by 28 pixels, and ten bars, the probability that the network gives each digit. "
                f"The longest bar is that of {_a(best)}.")

    def still(self):
        from matplotlib.figure import Figure

        from backprop_lessons.plots import plot_digits, plot_probabilities

        picture = np.frombuffer(self.reading["picture"], np.uint8) / 255  # [784]
        figure = Figure(figsize=(6.6, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        plot_digits(picture, ax=left)
        plot_probabilities(self.reading["probabilities"] or np.zeros(10), label=self.reading["label"], ax=right)
        return png(figure)


def centre_and_scale(ink):
    """A drawing as the data's pictures were made: scaled to fit a box of 20 × 20, its centre of mass in the middle.

    ink [h, w], 0…1 -> [28, 28], float32, 0…1. A drawing without ink gives a picture without ink.
    Raises ValueError for anything but a finite matrix.
    Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits (1998).
    """
    ink = np.asarray(ink, dtype=float)
    if ink.ndim != 2 or 0 in ink.shape:
        raise ValueError(f"ink has shape {ink.shape}. Expected [h, w], a picture in grey. "
                         f"For a row of 784 pixels, write ink.reshape(28, 28).")
    check_finite("ink", ink)
    picture = np.zeros((SIDE, SIDE), np.float32)
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > FAINT) for axis in (1, 0))
    if not len(rows):
        return picture
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(*ink.shape, INK_SIDE // 4)  # a dot stays a dot
    height, width = (max(1, round(side * BOX / longest)) for side in ink.shape)
    ink = _averages(ink.shape[0], height) @ ink @ _averages(ink.shape[1], width).T  # [height, width]
    top = _place(ink.sum(axis=1))
    left = _place(ink.sum(axis=0))
    picture[top : top + height, left : left + width] = ink
    return picture


def _averages(old, new):
    """The matrix [new, old] that averages `old` pixels in a row into `new` ones, by how far they overlap."""
    edges = np.linspace(0, old, new + 1)  # of the new pixels, measured in old ones
    starts = np.arange(old)
    overlap = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)  # [new, old]
    return np.maximum(overlap, 0) * new / old


def _place(ink):
    """Where ink [length] has to begin for its centre of mass to lie in pixel 14, as in the data, without sticking out."""
    centre = ink @ (np.arange(len(ink)) + 0.5) / ink.sum()
    return min(max(round(SIDE / 2 + 0.5 - centre), 0), SIDE - len(ink))


def describe_reading(probabilities, label=None):
    """Ten probabilities, or None for an empty sheet, in one or two sentences."""
    if probabilities is None:
        return "The sheet is empty."
    second, first = (int(digit) for digit in np.argsort(probabilities, kind="stable")[-2:])
    one, two = probabilities[first], probabilities[second]
    likely = f"{_a(first)} ({'over 99' if 0.995 <= one < 1 else f'{100 * one:.0f}'} %)"
    also = f", then {_a(second)} ({100 * two:.0f} %)" if two >= 0.01 else ""
    text = f"The network reads {likely}{also}." if one >= 0.6 else f"The network is unsure: {likely}{also}."
    if label is None:
        return text
    return f"{text} The label says {_a(label)}" + ("." if label == first else ": misread.")


def _a(digit):
    return f"an {digit}" if digit == 8 else f"a {digit}"  # an eight


def _pictures_and_labels(digits):
    """The test digits of load_digits(), or a pair, checked."""
    if digits is None:
        from backprop_lessons.data import load_digits

        digits = load_digits()
    if hasattr(digits, "test_images"):
        return digits.test_images, digits.test_labels
    if not (isinstance(digits, (tuple, list)) and len(digits) == 2):
        raise TypeError(f"digits is a {type(digits).__name__}. Expected what load_digits() returns, or (images, labels). "
                        f"Leave it out to pick from the course's test digits.")
    images, labels = np.asarray(digits[0]), np.asarray(digits[1])
    check_matrix("images", images, SIDE * SIDE, "pixels")
    check_finite("images", images)
    check_labels(labels, len(images), 10)
    if images.min() < 0 or images.max() > 1:
        raise ValueError(f"images run from {images.min()} to {images.max()}. Expected 0 (paper) to 1 (ink). "
                         f"For pixels of 0 … 255, write images / 255.")
    return images, labels
