"""The figures of the course: each `plot_*(…, ax=None)` returns its axes, and `show(axes, alt=…)` puts them into the page.

Importing this module gives every later figure the course's look (course.mplstyle).
"""

import base64
import io
import sys
from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from backprop_lessons.colours import FAINT, INK, ORANGE, PAPER, TRAINING, VALIDATION, VALUES

plt.style.use(Path(__file__).with_name("course.mplstyle"))

PALE_BLUE, PALE_ORANGE = "#B3D4E8", "#F8E0AE"  # a class's colour under points that must stay visible on it
MARGIN = 8  # white around a figure, in pixels
INCHES_PER_PIXEL = 0.024  # of a digit, in plot_digits
SHARPNESS = 2  # pixels of the picture for each pixel of the page, for sharp screens


def show(ax_or_figure, alt):
    """Put a figure into the page, on white paper, with `alt`: what it shows, in words; then close it.

    ax_or_figure: a figure, or axes of it. alt: one or two sentences, for readers who cannot see the figure.
    Raises TypeError for anything else, ValueError for an alt without words.
    """
    figure = getattr(ax_or_figure, "figure", None)
    if not hasattr(figure, "savefig"):
        raise TypeError(f"show got {type(ax_or_figure).__name__}. Expected a figure or its axes: "
                        f"pass what a plot_… function returns, or one of the axes of plt.subplots.")
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt is {alt!r}. Expected words. Say what the figure shows, for readers who cannot see it.")
    address, width = picture(figure), round(figure.get_figwidth() * figure.dpi) + 2 * MARGIN
    plt.close(figure)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        html = (f'<img alt="{escape(alt)}" width="{width}" style="box-sizing: border-box; max-width: 100%; height: auto; '
                f'padding: {MARGIN}px; background: {PAPER}; border-radius: 8px" src="{address}">')
        sys.modules["IPython"].display.display({"text/html": html, "text/plain": f"Figure: {alt}"}, raw=True)
    else:
        print(f"Figure: {alt}")


def picture(figure):
    """The figure as a PNG picture in a data: address, which needs no file and no network."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=SHARPNESS * figure.dpi, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def plot_digits(images, titles=None, columns=10, ax=None):
    """Pictures of digits in rows of `columns`, each with a few words under it if titles are given.

    images [n, 784]; titles: n texts or numbers. Raises ValueError where the two do not fit.
    """
    images = np.atleast_2d(images)
    if images.ndim != 2 or images.shape[1] != 28 * 28:
        raise ValueError(f"images has shape {np.shape(images)}. Expected [n, 784]: a picture of 28 × 28 pixels in each row.")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"there are {len(titles)} titles for {len(images)} images. Give one for each.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    longest = max((len(str(title)) for title in titles), default=0) if titles is not None else 0
    width, height = max(30, 5 * longest), 38 if longest else 30  # of one place, in pixels of a digit
    if ax is None:
        _, ax = plt.subplots(figsize=(columns * width * INCHES_PER_PIXEL, rows * height * INCHES_PER_PIXEL))
    for place, image in enumerate(images):
        left, top = place % columns * width, place // columns * height
        edge = left + (width - 28) / 2
        ax.imshow(image.reshape(28, 28), vmin=0, vmax=1, extent=(edge, edge + 28, top + 29, top + 1))
        ax.add_patch(plt.Rectangle((edge, top + 1), 28, 28, fill=False, edgecolor=FAINT, linewidth=0.8))
        if titles is not None:
            ax.text(left + width / 2, top + 34, str(titles[place]), ha="center", va="center", fontsize=10)
    ax.set(xlim=(0, columns * width), ylim=(rows * height, 0), aspect="equal")
    ax.axis("off")
    return ax


def plot_loss(history, ax=None):
    """The loss after each epoch: grey and solid on the training data, sky and dashed on the validation data."""
    if ax is None:
        _, ax = plt.subplots()
    curves = [("training", history.training_loss, TRAINING, "-", "o"),
              ("validation", history.validation_loss, VALIDATION, "--", "s")]
    for name, losses, colour, dash, marker in curves:
        if losses:
            epochs = np.arange(1, len(losses) + 1)
            every = 1 + len(losses) // 15  # markers tell the curves apart; more of them would hide the dashes
            ax.plot(epochs, losses, color=colour, linestyle=dash, marker=marker, markevery=every, label=name)
    ax.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def plot_probabilities(probabilities, label=None, ax=None):
    """The network's probability for each class as bars; the most probable one is filled, the true one is named.

    probabilities [k]; label: the true class, if it is known.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 1:
        raise ValueError(f"probabilities has shape {probabilities.shape}. Expected [k]: one number for each class.")
    if ax is None:
        _, ax = plt.subplots(figsize=(5, 2.4))
    classes = np.arange(len(probabilities))
    best = np.argmax(probabilities)
    bars = ax.bar(classes, probabilities, color=PAPER, edgecolor=VALUES, linewidth=1.2)
    bars[best].set_facecolor(VALUES)
    ax.text(best, probabilities[best] + 0.02, f"{100 * probabilities[best]:.0f} %", ha="center", va="bottom", weight="bold")
    names = [f"{k}\n(true)" if k == label else str(k) for k in classes]
    ax.set(xticks=classes, xticklabels=names, ylim=(0, 1.15), yticks=(0, 0.5, 1), ylabel="probability")
    ax.grid(axis="x", visible=False)
    return ax


def plot_decision_boundary(network, X, labels, ax=None):
    """What a network with two inputs and two classes answers in the plane, and the points that it learns from.

    X [n, 2], labels [n]. Class 0 is blue and round, class 1 orange and square; the line is where both are as likely.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(4.4, 4))
    margin = 0.15 * np.ptp(X, axis=0)  # [2]
    low, high = X.min(axis=0) - margin, X.max(axis=0) + margin
    x, y = np.meshgrid(np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120))
    probability = network.probabilities(np.column_stack([x.ravel(), y.ravel()]))[:, 1].reshape(x.shape)
    tints = LinearSegmentedColormap.from_list("classes", [PALE_BLUE, PAPER, PALE_ORANGE])
    ax.imshow(probability, origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap=tints, vmin=0, vmax=1,
              interpolation="bilinear")
    if probability.min() < 0.5 < probability.max():
        ax.contour(x, y, probability, levels=[0.5], colors=[INK], linewidths=1.8)
    for label, colour, marker in ((0, VALUES, "o"), (1, ORANGE, "s")):
        points = X[labels == label]
        ax.scatter(points[:, 0], points[:, 1], s=22, color=colour, marker=marker, edgecolor=INK, linewidth=0.6,
                   label=f"class {label}")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    ax.grid(False)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)
    return ax
