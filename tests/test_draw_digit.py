import numpy as np
import pytest

from backprop_lessons.data import load_digits
from backprop_lessons.network import Network
from backprop_lessons.widgets import DrawDigit
from backprop_lessons.widgets.draw_digit import centre_and_scale, describe_reading


class Oracle:
    """A network that knows which digits it gets: it reads test digit i as its label, save those in `misread`."""

    def __init__(self, misread=()):
        self.images, self.labels = load_digits()[2:]
        self.answers = self.labels.copy()
        self.answers[list(misread)] += 1
        self.answers %= 10
        self.asked = []

    def probabilities(self, X):
        self.asked.append(X)
        if len(X) == len(self.images):
            return np.eye(10)[self.answers]
        places = [np.flatnonzero((self.images == x).all(axis=1)) for x in X]
        return np.eye(10)[[self.answers[place[0]] if len(place) else 3 for place in places]]


def ink_of(widget):
    return np.frombuffer(widget.reading["picture"], np.uint8).reshape(28, 28)


def test_it_opens_with_a_digit_that_is_read_well():
    widget = DrawDigit(Oracle(misread=[0, 1]))
    assert widget.reading["index"] == 2
    assert np.argmax(widget.reading["probabilities"]) == widget.reading["label"]
    assert "The label says" in widget.reading["text"]


def test_a_drawing_is_read_as_the_network_reads_the_picture_that_is_shown():
    network = Network.mlp((784, 10), np.random.default_rng(0))
    widget = DrawDigit(network)
    ink = np.zeros((112, 112))
    ink[20:90, 50:60] = 1
    widget.read(ink)
    assert widget.reading["label"] is widget.reading["index"] is None
    expected = network.probabilities(ink_of(widget).reshape(1, 784) / 255)[0]
    np.testing.assert_allclose(widget.reading["probabilities"], expected, atol=0.01)


def test_digits_of_the_data_are_shown_as_they_are_one_after_the_other():
    oracle = Oracle()
    widget = DrawDigit(oracle)
    for kind, index in [("next", 1), ("next", 2), ("previous", 1), ("previous", 0), ("previous", 1999), ("next", 0)]:
        widget._on_message(widget, {"kind": kind}, [])
        assert widget.reading["index"] == index
        np.testing.assert_array_equal(ink_of(widget).ravel(), np.round(oracle.images[index] * 255))
        assert widget.reading["label"] == oracle.labels[index]


def test_the_misread_ones_are_found_in_turn():
    widget = DrawDigit(Oracle(misread=[5, 700]))
    seen = []
    for _ in range(3):
        widget.pick_misread()
        seen.append(widget.reading["index"])
        assert widget.reading["text"].endswith("misread.")
    assert seen == [5, 700, 5]
    widget = DrawDigit(Oracle())
    widget.pick_misread()
    assert widget.reading["text"] == "The network reads all 2,000 digits as their labels say."


def test_an_empty_sheet_has_no_probabilities():
    widget = DrawDigit(Oracle())
    widget.read(np.zeros((112, 112)))
    assert widget.reading["probabilities"] == [] and widget.reading["text"] == "The sheet is empty."


def test_after_a_drawing_the_next_digit_follows_the_one_picked_last():
    widget = DrawDigit(Oracle(misread=[5]))
    widget.pick(8)
    widget.read(np.zeros((112, 112)))
    widget._on_message(widget, {"kind": "next"}, [])
    assert widget.reading["index"] == 9


def test_the_page_is_answered_and_told_even_when_the_network_raises():
    widget, sent = DrawDigit(Oracle()), []
    widget.send = sent.append
    widget._network.probabilities = lambda X: 1 / 0
    with pytest.raises(ZeroDivisionError):
        widget._on_message(widget, {"kind": "next"}, [])
    assert sent == [{"kind": "done"}] and "ZeroDivisionError" in widget.error


def test_the_still_shows_a_digit_and_says_so():
    widget = DrawDigit(Oracle())
    assert widget.still().startswith(b"\x89PNG")
    assert f"The longest bar is that of a {widget.reading['label']}." in widget.still_alt
    assert "0x" not in repr(widget)


@pytest.mark.parametrize("height, width, top, left", [(40, 10, 5, 90), (10, 80, 60, 3), (112, 112, 0, 0), (30, 30, 70, 70)])
def test_drawings_are_centred_and_scaled_wherever_and_however_large(height, width, top, left):
    ink = np.zeros((112, 112))
    ink[top : top + height, left : left + width] = 1
    picture = centre_and_scale(ink)
    rows, columns = np.flatnonzero(picture.max(axis=1)), np.flatnonzero(picture.max(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert picture.shape == (28, 28) and picture.dtype == np.float32 and picture.max() == pytest.approx(1)
    assert abs(rows.mean() - 14) <= 0.5 and abs(columns.mean() - 14) <= 0.5


def test_the_centre_of_mass_comes_to_pixel_14_even_of_a_lopsided_digit():
    ink = np.zeros((112, 112))
    ink[10:100, 20:30] = 1  # an upright stroke …
    ink[90:100, 20:80] = 1  # … with a foot to the right
    picture = centre_and_scale(ink).astype(float)
    centres = np.arange(28) + 0.5
    assert abs(picture.sum(axis=1) @ centres / picture.sum() - 14.5) <= 0.5
    assert abs(picture.sum(axis=0) @ centres / picture.sum() - 14.5) <= 0.5


def test_the_data_come_out_as_they_are_so_drawings_are_made_like_them():
    for image in load_digits().test_images[:50].reshape(-1, 28, 28):
        enlarged = np.pad(np.kron(image, np.ones((3, 3))), ((20, 8), (3, 25)))
        assert np.abs(centre_and_scale(enlarged) - image).mean() < 0.003


def test_a_dot_stays_a_dot():
    ink = np.zeros((112, 112))
    ink[50:55, 50:55] = 1
    assert 1 <= centre_and_scale(ink).sum() <= 25


def test_readings_in_words():
    sure = np.array([0.02, 0, 0, 0, 0, 0, 0, 0, 0.98, 0])
    assert describe_reading(sure) == "The network reads an 8 (98 %), then a 0 (2 %)."
    assert describe_reading(sure, 8).endswith("The label says an 8.")
    assert describe_reading(sure, 0).endswith("The label says a 0: misread.")
    assert "over 99 %" in describe_reading(np.array([0.9991] + [0.0001] * 9))
    assert "unsure" in describe_reading(np.array([0.4, 0.35, 0.25] + [0] * 7))


@pytest.mark.parametrize("network, digits, words", [
    (object(), None, "Network.mlp"), (Network.mlp((784, 3), np.random.default_rng(0)), None, "ten outputs"),
    (Network.mlp((10, 10), np.random.default_rng(0)), None, "d_in|shape"),
    (Oracle(), 3, "load_digits"), (Oracle(), (np.zeros((2, 28, 28)), [0, 1]), "reshape"),
    (Oracle(), (np.zeros((2, 784)), [0, 10]), "0 … 9"), (Oracle(), (np.full((2, 784), 255), [0, 1]), "images / 255")])
def test_what_cannot_be_drawn_or_read_is_told(network, digits, words):
    with pytest.raises((TypeError, ValueError), match=words):
        DrawDigit(network, digits)


def test_ink_that_is_no_picture_is_told():
    with pytest.raises(ValueError, match="reshape"):
        centre_and_scale(np.zeros(784))
    with pytest.raises(ValueError, match="NaN"):
        centre_and_scale(np.full((28, 28), np.nan))
