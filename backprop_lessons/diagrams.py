"""The drawings of the lessons: graphs, shapes and matrices, as `plot_*(…, ax=None) -> ax`.

Values are blue and run left to right, gradients vermilion and run right to left, parameters green,
the loss purple. A name or a direction always says the same as the colour.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from .colours import FAINT, GRADIENTS, INK, LOSS, PAPER, PARAMETERS, TRAINING, VALUES


# --- the pieces that the drawings are made of ----------------------------------------------

def _canvas(ax, width, height, inches_per_unit):
    """Axes without frame or ticks, with equal units, from (0, 0) to (width, height)."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width * inches_per_unit, height * inches_per_unit))
        ax.set_position([0, 0, 1, 1])
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return ax


def _axes(ax, width=6.0, height=3.6):
    return ax if ax is not None else plt.subplots(figsize=(width, height), layout="constrained")[1]


def _text(ax, x, y, text, colour=INK, size=11, **style):
    style = {"ha": "center", "va": "center", **style}
    return ax.text(x, y, text, color=colour, fontsize=size, **style)


def _legible(colour):
    """The colour for type: the loss's purple is too pale for it, and stays on the frame."""
    return INK if colour == LOSS else colour


def _box(ax, x, y, width, height, colour, fill=PAPER, **style):
    """A rounded box whose centre is (x, y)."""
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, facecolor=fill, edgecolor=colour,
                                boxstyle="round,pad=0,rounding_size=0.12", **{"linewidth": 1.6, "zorder": 2, **style}))


def _named_box(ax, x, y, name, shape, colour, width=1.5, height=0.95, **style):
    """A box with an array's name, and its shape in smaller type under it."""
    _box(ax, x, y, width, height, colour, **style)
    _text(ax, x, y + 0.17, name, _legible(colour), 13, weight="bold")
    _text(ax, x, y - 0.22, shape, INK, 10)


def _arrow(ax, start, end, colour, **style):
    ax.add_patch(FancyArrowPatch(start, end, color=colour, shrinkA=0, shrinkB=0, **{
        "arrowstyle": "-|>", "mutation_scale": 15, "linewidth": 2, "zorder": 1, **style}))


def _matrix(ax, x, y, numbers, colour, cell=0.62, marked=(), size=11):
    """A matrix of numbers whose top left corner is (x, y); `marked` cells are filled."""
    for (row, column), number in np.ndenumerate(np.atleast_2d(numbers)):
        left, top = x + column * cell, y - row * cell
        filled = (row, column) in marked
        ax.add_patch(Rectangle((left, top - cell), cell, cell, facecolor=colour if filled else PAPER,
                               edgecolor=colour, linewidth=1.2))
        _text(ax, left + cell / 2, top - cell / 2, f"{number + 0:g}".replace("-", "−"), PAPER if filled else INK, size,
              weight="bold" if filled else "normal")


# --- the course's map ----------------------------------------------------------------------

STEPS = (("forward\npropagation", VALUES), ("error\ncalculation", LOSS),
         ("backward\npropagation", GRADIENTS), ("weight\nupdate", PARAMETERS))


def plot_four_steps(current=None, ax=None):
    """The four steps of training in a loop; the step with number `current` (1 … 4) is filled."""
    ax = _canvas(ax, 12.4, 2.75, 0.72)
    for number, (name, colour) in enumerate(STEPS, start=1):
        x, here = 1.4 + 3.2 * (number - 1), number == current
        _box(ax, x, 1.85, 2.35, 1.2, colour, fill=colour if here else PAPER)
        type_colour = PAPER if here and colour != LOSS else _legible(colour)
        _text(ax, x, 1.85, f"{number}  {name}", type_colour, 12, weight="bold", linespacing=1.25)
        if number < 4:
            _arrow(ax, (x + 1.2, 1.85), (x + 1.98, 1.85), INK)
    ax.plot([11, 11, 1.4], [1.22, 0.55, 0.55], "-", color=INK, linewidth=2)
    _arrow(ax, (1.4, 0.53), (1.4, 1.22), INK)
    _text(ax, 6.2, 0.25, "again, with the next examples", INK, 11)
    return ax


# --- lesson 04 -----------------------------------------------------------------------------

def plot_layer_graph(n="n", d="d", h="h", k="k", ax=None):
    """A network of two dense layers: values forward on top, gradients backward under them, with shapes."""
    ax = _canvas(ax, 15.4, 6.7, 0.72)
    places = (1.0, 4.4, 7.8, 11.2, 14.4)  # of X, Z1, A1, logits, loss
    values = (("X", f"[{n}, {d}]"), ("Z1", f"[{n}, {h}]"), ("A1", f"[{n}, {h}]"), ("logits", f"[{n}, {k}]"), ("loss", "a number"))
    layers = ("dense", "ReLU", "dense", "softmax,\ncross-entropy")
    parameters = {0: (f"W1 [{d}, {h}]", f"b1 [{h}]"), 2: (f"W2 [{h}, {k}]", f"b2 [{k}]")}
    up, down = 4.55, 2.1  # heights of the two rows

    for x, (name, shape) in zip(places, values):
        colour = LOSS if name == "loss" else VALUES
        _named_box(ax, x, up, name, shape, colour)
        if name == "X":
            continue  # the data need no gradient
        gradient, shape = (f"d{name}", shape) if name != "loss" else ("1", "dloss/dloss")
        _named_box(ax, x, down, gradient, shape, GRADIENTS, linestyle="--")
    for i, layer in enumerate(layers):
        left, right = places[i] + 0.8, places[i + 1] - 0.8
        middle = (left + right) / 2
        _arrow(ax, (left, up), (right, up), VALUES)
        _text(ax, middle, up + 0.12, layer, INK, 10.5, va="bottom", linespacing=1.1)
        if i > 0:
            _arrow(ax, (right, down), (left, down), GRADIENTS)
        # What the forward pass keeps for the backward pass.
        _arrow(ax, (places[i] + 0.45, up - 0.5), (middle, down + 0.12), TRAINING, linestyle=":", linewidth=1.3, mutation_scale=10)
        if i in parameters:
            for row, text in enumerate(parameters[i]):
                _text(ax, middle, up + 1.75 - 0.42 * row, text, PARAMETERS, 11, weight="bold")
                _text(ax, middle, down - 1.35 - 0.42 * row, f"d{text}", GRADIENTS, 11, weight="bold")
            _arrow(ax, (middle, up + 1.08), (middle, up + 0.5), PARAMETERS, linewidth=1.6)
            if i == 0:
                ax.plot([places[1] - 0.8, middle], [down, down], "-", color=GRADIENTS, linewidth=2, zorder=1)
            _arrow(ax, (middle, down), (middle, down - 1.1), GRADIENTS)
    _text(ax, 1.0, down - 0.28, "kept from the\nforward pass", TRAINING, 10, linespacing=1.2)
    _arrow(ax, (0.35, down + 0.25), (1.65, down + 0.25), TRAINING, linestyle=":", linewidth=1.3, mutation_scale=10)
    _text(ax, 14.4, up + 1.55, "forward", VALUES, 12, weight="bold")
    _arrow(ax, (13.75, up + 1.2), (15.05, up + 1.2), VALUES)
    _text(ax, 14.4, down - 1.75, "backward", GRADIENTS, 12, weight="bold")
    _arrow(ax, (15.05, down - 1.4), (13.75, down - 1.4), GRADIENTS)
    return ax


def plot_activation(activation, slope, name, ax=None):
    """An activation and its slope over −5 … 5."""
    ax = _axes(ax)
    z = np.linspace(-5, 5, 501)
    ax.plot(z, activation(z), "-", color=VALUES, linewidth=2.4, label=f"{name}(z)")
    slopes = np.asarray(slope(z), dtype=float)
    jump = np.flatnonzero(np.abs(np.diff(slopes)) > 0.5)  # at a kink there is no slope: leave a gap
    ax.plot(np.insert(z, jump + 1, np.nan), np.insert(slopes, jump + 1, np.nan), "--", color=GRADIENTS, linewidth=2.4,
            label="its slope")
    ax.set(xlabel="z", title=name)
    ax.legend(loc="upper left")
    return ax


SIDES = {"n": 4, "d_in": 3, "d_out": 2}


def plot_product(left, right, result, sides=SIDES, ax=None):
    """A matrix product as rectangles to scale; each matrix is (name, rows, columns, colour)."""
    cell, gap, middle, x = 0.55, 1.15, 1.75, 0.75
    matrices = (left, right, result)
    width = 2 * x + 2 * gap + sum(cell * sides[columns] for _, _, columns, _ in matrices) - 0.35
    ax = _canvas(ax, width, 3.45, 0.66)
    for position, (name, rows, columns, colour) in enumerate(matrices):
        w, h = cell * sides[columns], cell * sides[rows]
        bottom, top = middle - h / 2, middle + h / 2
        ax.add_patch(Rectangle((x, bottom), w, h, facecolor=colour, alpha=0.13, edgecolor="none"))
        ax.vlines(x + cell * np.arange(1, sides[columns]), bottom, top, color=colour, linewidth=0.7, alpha=0.35)
        ax.hlines(bottom + cell * np.arange(1, sides[rows]), x, x + w, color=colour, linewidth=0.7, alpha=0.35)
        ax.add_patch(Rectangle((x, bottom), w, h, facecolor="none", edgecolor=colour, linewidth=1.8))
        _text(ax, x + w / 2, middle, name, colour, 14, weight="bold")
        # The inner sides must be equal, and are summed away: they stand on grey.
        turn = 90 if len(rows) > 1 else 0  # a long name stands along its side; a single letter upright
        for text, place, inner, turn in ((rows, (x - 0.25, middle), position == 1, turn),
                                         (columns, (x + w / 2, top + 0.25), position == 0, 0)):
            _text(ax, *place, text, INK, 11, rotation=turn, weight="normal" if inner else "bold",
                  bbox={"boxstyle": "round,pad=0.2", "facecolor": FAINT, "edgecolor": "none"} if inner else None)
        if position < 2:
            _text(ax, x + w + (gap - 0.5) / 2, middle, "@="[position], INK, 17, weight="bold")
        x += w + gap
    _text(ax, width / 2, 0.22, f"{left[2]} meets {right[1]}, and is summed over", TRAINING, 11)
    return ax


def plot_sum_over_batch(X, dZ, ax=None):
    """dW as a sum of one outer product an example, in numbers; the blame of W[0, 0] is marked."""
    d_in, d_out, cell = X.shape[1], dZ.shape[1], 0.62
    span = 0.95 + d_out * cell  # a column of X and the product beside it
    gap = 1.05
    width = len(X) * (span + gap) + d_out * cell + 0.5
    ax = _canvas(ax, width, 1.9 + d_in * cell + 0.55, 0.72)
    top, x = 0.65 + d_in * cell, 0.25
    for example, (inputs, upstream) in enumerate(zip(X, dZ)):
        _text(ax, x + span / 2 + 0.1, top + 1.5, f"example {example}", INK, 11)
        _matrix(ax, x, top, inputs[:, None], VALUES, cell, marked={(0, 0)})
        _matrix(ax, x + 0.95, top + 0.95, upstream[None, :], GRADIENTS, cell, marked={(0, 0)})
        _matrix(ax, x + 0.95, top, np.outer(inputs, upstream), GRADIENTS, cell, marked={(0, 0)})
        _text(ax, x + cell / 2, 0.3, f"X[{example}]", VALUES, 11, weight="bold")
        _text(ax, x + 0.85, top + 0.95 - cell / 2, f"dZ[{example}]", GRADIENTS, 11, weight="bold", ha="right")
        x += span
        last = example == len(X) - 1
        _text(ax, x + gap / 2, top - d_in * cell / 2, "=" if last else "+", INK, 20, weight="bold")
        x += gap
    _matrix(ax, x, top, X.T @ dZ, GRADIENTS, cell, marked={(0, 0)})
    _text(ax, x + d_out * cell / 2, 0.3, "dW", GRADIENTS, 12, weight="bold")
    return ax


def plot_softmax_gradient(probabilities, label, ax=None):
    """The gradient of one example's logits: for each class the gap from the target up or down to the probability."""
    ax = _axes(ax, 6.4, 3.8)
    classes = np.arange(len(probabilities))
    targets = np.eye(len(probabilities))[label]
    ax.bar(classes - 0.14, probabilities, 0.36, color=VALUES, label="probability p")
    for i, target in enumerate(targets):
        ax.plot([i - 0.36, i + 0.36], [target] * 2, "-", color=LOSS, linewidth=3, solid_capstyle="butt",
                label="target y" if i == 0 else None)
        ax.annotate("", (i + 0.2, probabilities[i]), (i + 0.2, target),
                    arrowprops={"arrowstyle": "-|>", "color": GRADIENTS, "linewidth": 2.4, "shrinkA": 0, "shrinkB": 0,
                                "mutation_scale": 15})
        gap = probabilities[i] - target
        ax.text(i + 0.27, (probabilities[i] + target) / 2, f"{gap:+.3f}".replace("-", "−"), color=GRADIENTS, va="center",
                weight="bold", fontsize=11)
    ax.plot([], [], "->", color=GRADIENTS, linewidth=2.4, label="gradient p − y")
    ax.set(xticks=classes, xticklabels=[f"class {c}" + (" (true)" if c == label else "") for c in classes],
           ylim=(-0.04, 1.09), xlim=(-0.5, len(classes) - 0.25))
    ax.grid(False, axis="x")
    ax.legend(loc="upper right")
    return ax


def plot_gradient_errors(errors, tolerance=1e-7, ax=None):
    """Errors of several backward functions on a log axis: `errors` maps a function's name to {array: error}."""
    ax = _axes(ax, 8.4, 3.9)
    lowest = 1e-12
    ax.axhspan(lowest, tolerance, color=VALUES, alpha=0.07, zorder=0)
    ax.axhline(tolerance, color=INK, linewidth=1.2, linestyle="--")
    for group, of_arrays in enumerate(errors.values()):
        for i, (array, error) in enumerate(of_arrays.items()):
            x, wrong = group * 5 + i, error > tolerance
            colour = GRADIENTS if wrong else VALUES
            ax.plot([x, x], [lowest, max(error, lowest)], "-", color=colour, linewidth=2.2)
            ax.plot(x, max(error, lowest), marker="X" if wrong else "o", color=colour, markersize=9)
            ax.text(x, lowest / 3, f"d{array}", rotation=90, ha="center", va="top", fontsize=10, color=INK)
        ax.text(group * 5 + 1.5, 40, list(errors)[group], ha="center", va="center", fontsize=11, weight="bold")
    limit = f"the limit,\n{tolerance:.0e}".replace("e-0", "e-")
    ax.text(len(errors) * 5 - 1.2, tolerance, limit, va="center", ha="left", fontsize=9.5)
    ax.set(yscale="log", ylim=(lowest, 200), xlim=(-0.8, len(errors) * 5 - 1.4), xticks=[], ylabel="gradient error")
    return ax


def plot_costs(costs, beyond=None, ax=None):
    """What passes cost: `costs` maps a name to a multiple of the first; `beyond`, (name, text), runs off the page."""
    names = list(costs) + ([beyond[0]] if beyond else [])
    ax = _axes(ax, 8.4, 0.62 * len(names) + 0.8)
    right = 1.3 * max(costs.values())
    for row, cost in enumerate(costs.values()):
        ax.barh(row, cost, 0.62, color=GRADIENTS if row else VALUES)
        ax.text(0.05, row, f"{cost:.2f}", va="center", color=PAPER, fontsize=12, weight="bold")
    if beyond:
        row, tip = len(costs), 0.03 * right
        ax.fill([0, right - tip, right, right - tip, 0], [row - 0.31, row - 0.31, row, row + 0.31, row + 0.31], color=TRAINING)
        ax.text(0.05, row, beyond[1], va="center", color=PAPER, fontsize=12, weight="bold")
    ax.set(yticks=range(len(names)), yticklabels=names, xlim=(0, right), xlabel="multiplications, in forward passes")
    ax.invert_yaxis()
    ax.grid(False, axis="y")
    return ax


def plot_thread(weights, gradients, ax=None):
    """Mazur's 2-2-2 network: each weight on its edge, with its gradient under it.

    weights, gradients: eight numbers each, w1 … w8.
    """
    ax = _canvas(ax, 13.2, 5.1, 0.72)
    columns = ((1.0, ("i1", "i2")), (6.0, ("h1", "h2")), (11.0, ("o1", "o2")))
    heights = (3.8, 0.8)
    # w1, w2 lead into h1 and w3, w4 into h2; w5, w6 into o1 and w7, w8 into o2.
    for number in range(8):
        layer, target, source = number // 4, number % 4 // 2, number % 2
        start, end = (columns[layer][0] + 0.48, heights[source]), (columns[layer + 1][0] - 0.48, heights[target])
        _arrow(ax, start, end, FAINT, linewidth=2.5)
        share = 0.5 if source == target else 0.27  # labels of crossing edges stand apart
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        ax.add_patch(Rectangle((x - 0.86, y - 0.39), 1.72, 0.78, facecolor=PAPER, edgecolor="none", zorder=3))
        _text(ax, x, y + 0.18, f"w{number + 1} = {weights[number]:.2f}", PARAMETERS, 10.5, zorder=4, weight="bold")
        _text(ax, x, y - 0.19, f"{gradients[number]:+.6f}".replace("-", "−"), GRADIENTS, 10.5, zorder=4)
    for x, names in columns:
        for name, y in zip(names, heights):
            ax.add_patch(plt.Circle((x, y), 0.46, facecolor=PAPER, edgecolor=VALUES, linewidth=1.8, zorder=3))
            _text(ax, x, y, name, VALUES, 12, zorder=4, weight="bold")
    for y in heights:
        _arrow(ax, (11.48, y), (12.2, 2.3 + 0.32 * (1 if y > 2.3 else -1)), FAINT)
    _box(ax, 12.5, 2.3, 0.8, 0.62, LOSS)
    _text(ax, 12.5, 2.3, "E", INK, 13, weight="bold")
    _text(ax, 6, 4.8, "green: the weight      orange, with its sign: the gradient of E", INK, 10.5)
    return ax
