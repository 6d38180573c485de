"""Each plot function returns its axes, draws into given ones, and every figure that is shown has its words."""

import base64
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.figure import Figure

from backprop_lessons import colours, plots
from backprop_lessons.training import History

HISTORY = History(training_loss=[2.0, 1.0, 0.5], validation_loss=[2.1, 1.2, 0.9])
IMAGES = np.random.default_rng(0).random((12, 784))
POINTS = np.random.default_rng(1).normal(size=(30, 2))


class HalfPlane:
    """Stands in for a network: class 1 is to the right."""

    def probabilities(self, X):
        right = 1 / (1 + np.exp(-5 * X[:, 0]))
        return np.column_stack([1 - right, right])


DRAW = {
    "digits": lambda ax: plots.plot_digits(IMAGES, range(12), ax=ax),
    "loss": lambda ax: plots.plot_loss(HISTORY, ax=ax),
    "probabilities": lambda ax: plots.plot_probabilities([0.1, 0.7, 0.2], label=2, ax=ax),
    "decision boundary": lambda ax: plots.plot_decision_boundary(HalfPlane(), POINTS, (POINTS[:, 0] > 0) * 1, ax=ax),
}


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture
def published(monkeypatch):
    """What a notebook's page would receive."""
    outputs = []
    monkeypatch.setattr("IPython.get_ipython", lambda: InteractiveShell)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: outputs.append(data))
    return outputs


@pytest.mark.parametrize("name", DRAW)
def test_a_plot_function_returns_axes_that_it_was_given_or_made(name):
    given = Figure().subplots()
    assert DRAW[name](given) is given
    made = DRAW[name](None)
    assert made is not given and isinstance(made, plt.Axes) and made.has_data()


def test_show_puts_a_picture_with_words_on_white_paper(published):
    plots.show(DRAW["loss"](None), alt='Loss falls < 1 & "stays"')
    html = published[0]["text/html"]
    assert 'alt="Loss falls &lt; 1 &amp; &quot;stays&quot;"' in html and f"background: {colours.PAPER}" in html
    assert base64.b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]).startswith(b"\x89PNG")
    assert published[0]["text/plain"] == 'Figure: Loss falls < 1 & "stays"'


def test_show_closes_the_figure_so_that_it_does_not_appear_twice(published):
    plots.show(DRAW["loss"](None), alt="Loss falls.")
    assert not plt.get_fignums()


def test_the_same_figure_gives_the_same_bytes():
    assert plots.picture(DRAW["digits"](None).figure) == plots.picture(DRAW["digits"](None).figure)


def test_outside_a_notebook_show_prints_the_words(monkeypatch, capsys):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    plots.show(plt.figure(), alt="Nothing yet.")
    assert capsys.readouterr().out == "Figure: Nothing yet.\n"


def test_show_demands_words():
    with pytest.raises(TypeError):
        plots.show(plt.figure())
    for alt in ("", "  ", None):
        with pytest.raises(ValueError, match="Say what the figure shows"):
            plots.show(plt.figure(), alt=alt)


def test_show_says_what_it_can_show():
    for wrong in (np.array(plt.subplots(1, 2)[1]), "a figure", None):
        with pytest.raises(TypeError, match="plot_"):
            plots.show(wrong, alt="Two figures.")


def test_training_and_validation_differ_in_more_than_colour():
    training, validation = plots.plot_loss(HISTORY).lines
    assert (training.get_color(), validation.get_color()) == (colours.TRAINING, colours.VALIDATION)
    assert training.get_linestyle() != validation.get_linestyle() and training.get_marker() != validation.get_marker()
    assert training.get_xdata().tolist() == [1, 2, 3] and training.get_ydata().tolist() == HISTORY.training_loss


def test_without_validation_data_there_is_one_curve():
    assert len(plots.plot_loss(History(training_loss=[1.0])).lines) == 1


def test_probabilities_name_the_true_class_and_fill_the_most_probable():
    ax = plots.plot_probabilities([0.1, 0.7, 0.2], label=2)
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.7, 0.2]
    filled = [bar.get_facecolor() == matplotlib_colour(colours.VALUES) for bar in ax.patches]
    assert filled == [False, True, False]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2\n(true)"]


def matplotlib_colour(colour):
    return plt.matplotlib.colors.to_rgba(colour)


def test_digits_stand_in_rows_with_their_titles():
    ax = plots.plot_digits(IMAGES, [f"n° {i}" for i in range(12)], columns=5)
    assert [text.get_text() for text in ax.texts] == [f"n° {i}" for i in range(12)]
    assert np.array_equal(ax.images[7].get_array(), IMAGES[7].reshape(28, 28))
    left, right, bottom, top = ax.images[7].get_extent()  # the eighth stands third in the second row
    assert (left // 30, top // 38) == (2, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plots.plot_digits(np.zeros((3, 28, 28))), r"\[n, 784\]"),
        (lambda: plots.plot_digits(IMAGES, titles=[1, 2]), "2 titles for 12 images"),
        (lambda: plots.plot_probabilities(np.zeros((1, 10))), r"\[k\]"),
    ],
)
def test_wrong_shapes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
