"""The drawings: nothing is cut off or printed over something else, and the numbers in them are the given ones."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

from backprop_lessons import diagrams  # noqa: E402
from backprop_lessons.colours import GRADIENTS, PARAMETERS, VALUES  # noqa: E402

X, dZ = np.array([[1, 2, 3], [4, 0, 1]]), np.array([[10, 1], [2, -1]])
WEIGHTS = [0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]
RIGHT = {"W1": 5e-11, "b1": 9e-11, "W2": 4e-11, "b2": 5e-11}
ERRORS = {"ours": RIGHT, "patient 1": RIGHT | {"b2": 0.8}, "patient 2": dict.fromkeys(RIGHT, 0.8)}

DRAWINGS = {
    "four_steps": lambda ax=None: diagrams.plot_four_steps(3, ax=ax),
    "layer_graph": lambda ax=None: diagrams.plot_layer_graph(ax=ax),
    "layer_graph_of_digits": lambda ax=None: diagrams.plot_layer_graph(64, 784, 128, 10, ax=ax),
    "activation": lambda ax=None: diagrams.plot_activation(np.tanh, lambda z: 1 - np.tanh(z)**2, "tanh", ax=ax),
    "product": lambda ax=None: diagrams.plot_product(
        ("X.T", "d_in", "n", VALUES), ("dZ", "n", "d_out", GRADIENTS), ("dW", "d_in", "d_out", GRADIENTS), ax=ax),
    "product_with_parameters": lambda ax=None: diagrams.plot_product(
        ("dZ", "n", "d_out", GRADIENTS), ("W.T", "d_out", "d_in", PARAMETERS), ("dX", "n", "d_in", GRADIENTS), ax=ax),
    "sum_over_batch": lambda ax=None: diagrams.plot_sum_over_batch(X, dZ, ax=ax),
    "softmax_gradient": lambda ax=None: diagrams.plot_softmax_gradient(np.array([0.665, 0.245, 0.090]), 1, ax=ax),
    "gradient_errors": lambda ax=None: diagrams.plot_gradient_errors(ERRORS, ax=ax),
    "costs": lambda ax=None: diagrams.plot_costs({"forward": 1.0, "backward": 1.01}, ("nudging", "101,770"), ax=ax),
    "thread": lambda ax=None: diagrams.plot_thread(WEIGHTS, np.linspace(-0.02, 0.08, 8), ax=ax),
}


def texts(ax):
    """Every text that is seen, with its place in pixels."""
    figure = ax.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    shown = list(ax.texts)
    if ax.axison:
        shown += [ax.title, ax.xaxis.label, ax.yaxis.label]
        for axis, (low, high) in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            shown += [label for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels()) if low <= place <= high]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in shown if t.get_text().strip()]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_no_text_is_cut_off_and_none_covers_another(draw):
    ax = draw()
    places = texts(ax)
    edge = ax.figure.bbox
    for text, place in places:
        assert place.x0 >= edge.x0 and place.x1 <= edge.x1, f"{text!r} leaves the figure at a side"
        assert place.y0 >= edge.y0 and place.y1 <= edge.y1, f"{text!r} leaves the figure at the top or bottom"
    for i, (text, place) in enumerate(places):
        for other, there in places[:i]:
            apart = place.x0 >= there.x1 or place.x1 <= there.x0 or place.y0 >= there.y1 or place.y1 <= there.y0
            assert apart, f"{text!r} and {other!r} overlap"


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_goes_into_the_axes_it_is_given(draw):
    _, ax = plt.subplots(figsize=(8, 5))
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1


def test_the_sum_over_the_batch_shows_the_product():
    shown = [text for text, _ in texts(DRAWINGS["sum_over_batch"]())]
    for number in (X.T @ dZ).ravel():
        assert f"{number:g}".replace("-", "−") in shown


def test_every_weight_of_the_thread_stands_with_its_own_gradient():
    places = dict(texts(DRAWINGS["thread"]()))
    for number, gradient in enumerate(np.linspace(-0.02, 0.08, 8), start=1):
        weight = places[f"w{number} = {WEIGHTS[number - 1]:.2f}"]
        below = places[f"{gradient:+.6f}".replace("-", "−")]
        assert abs(weight.x0 + weight.x1 - below.x0 - below.x1) < 4 and 0 < weight.y0 - below.y0 < 40


def test_wrong_gradients_are_marked_by_more_than_colour():
    markers = [line.get_marker() for line in DRAWINGS["gradient_errors"]().lines]
    assert markers.count("X") == 5 and markers.count("o") == 7


def test_only_the_current_step_is_filled():
    filled = [p for p in diagrams.plot_four_steps(3).patches
              if hasattr(p, "get_boxstyle") and p.get_facecolor() != matplotlib.colors.to_rgba(diagrams.PAPER)]
    assert [matplotlib.colors.to_hex(p.get_facecolor()).upper() for p in filled] == [GRADIENTS.upper()]
