"""Training: minibatches that lose nothing, the four steps, what `train` measures, and the digits learnt."""

import numpy as np
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from backprop_lessons import progress_bar
from backprop_lessons.data import load_digits
from backprop_lessons.gradient_check import numerical_gradient
from backprop_lessons.layers import Dense, Dropout, ReLU, Tanh
from backprop_lessons.losses import cross_entropy, l2_penalty
from backprop_lessons.network import Network
from backprop_lessons.optimizers import Adam, GradientDescent, Momentum
from backprop_lessons.training import (
    add_weight_decay, minibatches, random_shifts, shift_images, train, training_step, warm_up_and_decay,
)


def two_clouds(rng, n=60):
    labels = rng.integers(0, 2, n)
    return rng.normal(size=(n, 2)) + 4 * labels[:, None], labels


def train_on_clouds(seed=0, hidden=Tanh, **options):
    rng = np.random.default_rng(seed)
    X, labels = two_clouds(rng)
    network = Network.mlp((2, 8, 2), rng, hidden=hidden)
    options = {"optimizer": GradientDescent(0.2), "epochs": 5, "batch_size": 16} | options
    return network, train(network, X, labels, rng=rng, progress=False, **options)


@settings(deadline=None)
@given(n=st.integers(1, 40), batch_size=st.integers(1, 50), seed=st.integers(0, 2**32 - 1))
def test_minibatches_lose_nothing_and_keep_pairs(n, batch_size, seed):
    X, y = np.arange(n * 2.0).reshape(n, 2), np.arange(n)
    batches = list(minibatches(X, y, batch_size, np.random.default_rng(seed)))
    lengths = [len(rows) for rows, _ in batches]
    assert lengths[:-1] == [batch_size] * (len(batches) - 1) and 0 < lengths[-1] <= batch_size
    assert all((rows[:, 0] == 2 * labels).all() for rows, labels in batches)
    assert sorted(np.concatenate([labels for _, labels in batches])) == list(range(n))


def test_minibatches_are_shuffled_by_the_given_rng_and_by_nothing_else():
    X = np.arange(100)
    first, again, other = (np.concatenate([b for b, _ in minibatches(X, X, 7, np.random.default_rng(s))]) for s in (1, 1, 2))
    assert (first == again).all() and (first != other).any() and (first != X).any()
    rng = np.random.default_rng(1)
    one, two = (np.concatenate([b for b, _ in minibatches(X, X, 7, rng)]) for _ in range(2))
    assert (one != two).any() and (X == np.arange(100)).all()


@pytest.mark.parametrize("y, batch_size, words", [
    (np.arange(4), 2, "X has 5 rows and y has 4"),
    (np.arange(5), 0, "Expected a whole number above 0"),
    (np.arange(5), 2.5, "such as 64"),
])
def test_minibatches_refuse_what_cannot_be_cut(y, batch_size, words):
    with pytest.raises(ValueError, match=words):
        minibatches(np.arange(5), y, batch_size, np.random.default_rng(0))


def test_training_step_returns_the_loss_before_the_update_and_lowers_it():
    rng = np.random.default_rng(0)
    network, (X, labels) = Network.mlp((2, 8, 2), rng), two_clouds(rng)
    before = cross_entropy(network.forward(X), labels)
    assert training_step(network, X, labels, GradientDescent(0.01)) == pytest.approx(before, rel=1e-12)
    assert cross_entropy(network.forward(X), labels) < before


def test_weight_decay_is_the_gradient_of_the_penalty_on_weights_alone():
    rng = np.random.default_rng(0)
    network = Network([Dense(3, 4, rng), Tanh(), Dense(4, 2, rng)])
    network.parameters += 0.1
    add_weight_decay(network, 0.3)

    def penalty(parameters):
        twin = network.astype(np.float64)
        twin.parameters = parameters
        return sum(l2_penalty(layer.W, 0.3)[0] for layer in twin.layers if layer.parameters)

    np.testing.assert_allclose(network.gradients, numerical_gradient(penalty, network.parameters), atol=1e-8)
    assert (network.layers[0].db == 0).all()


def test_weight_decay_makes_weights_smaller():
    free, held = (train_on_clouds(weight_decay=strength, epochs=30)[0] for strength in (0.0, 0.05))
    assert np.linalg.norm(held.layers[0].W) < 0.8 * np.linalg.norm(free.layers[0].W)


@pytest.mark.parametrize("optimizer", [GradientDescent(0.3), Momentum(0.1), Adam(0.02)])
def test_every_optimizer_learns_two_clouds(optimizer):
    rng = np.random.default_rng(9)
    _, history = train_on_clouds(optimizer=optimizer, epochs=15, validation=two_clouds(rng, n=200))
    assert history.validation_accuracy[-1] > 0.97 and history.training_loss[-1] < history.training_loss[0] / 2


def test_history_has_an_entry_for_each_epoch():
    network, history = train_on_clouds(validation=two_clouds(np.random.default_rng(9)))
    for figures in (history.training_loss, history.validation_loss, history.validation_accuracy, history.seconds):
        assert len(figures) == 5 and all(type(figure) is float for figure in figures)
    assert history.seconds == sorted(history.seconds)
    X, labels = two_clouds(np.random.default_rng(9))
    assert history.validation_loss[-1] == cross_entropy(network.forward(X), labels)
    assert repr(history) == "History of 5 epochs: training_loss, validation_loss, validation_accuracy, seconds"
    assert repr(train_on_clouds()[1]) == "History of 5 epochs: training_loss, seconds"


def test_the_same_rng_trains_the_same_network():
    assert (train_on_clouds(3)[0].parameters == train_on_clouds(3)[0].parameters).all()
    assert (train_on_clouds(3)[0].parameters != train_on_clouds(4)[0].parameters).any()


def test_augment_sees_every_batch_and_the_data_stay_as_they_were():
    rng, seen = np.random.default_rng(0), []
    X, labels = two_clouds(rng)
    before = X.copy()

    def augment(X_batch, rng):
        seen.append(len(X_batch))
        return X_batch + rng.normal(size=X_batch.shape)

    train(Network.mlp((2, 2), rng), X, labels, optimizer=GradientDescent(0.1), epochs=2, batch_size=25, rng=rng,
          augment=augment, progress=False)
    assert seen == [25, 25, 10] * 2 and (X == before).all()


def test_a_schedule_scales_the_rate_and_the_optimizer_gets_its_own_back():
    optimizer, asked = GradientDescent(0.2), []
    train_on_clouds(optimizer=optimizer, schedule=lambda done: asked.append((done, optimizer.learning_rate)) or 0.5)
    assert [done for done, _ in asked] == pytest.approx(np.arange(20) / 20) and asked[1][1] == 0.1
    assert optimizer.learning_rate == 0.2
    factors = [warm_up_and_decay(done) for done in (0, 0.05, 0.1, 0.55, 1)]
    assert factors == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_an_interrupted_training_leaves_the_optimizer_its_rate():
    optimizer = GradientDescent(0.2)

    def interrupted(done):
        if done > 0.3:
            raise KeyboardInterrupt
        return 0.5

    with pytest.raises(KeyboardInterrupt):
        train_on_clouds(optimizer=optimizer, schedule=interrupted)
    assert optimizer.learning_rate == 0.2


def test_dropout_acts_in_training_and_not_in_validation():
    rng = np.random.default_rng(0)
    X, labels = two_clouds(rng)
    network = Network([Dense(2, 30, rng), Dropout(0.5, rng), Dense(30, 2, rng)])
    history = train(network, X, labels, optimizer=GradientDescent(0), epochs=2, batch_size=60, rng=rng,
                    validation=(X, labels), progress=False)
    assert history.validation_loss[0] == history.validation_loss[1]
    assert history.training_loss[0] != history.training_loss[1]


BAD = {
    "NaN": (lambda X, y: (np.where(X > 5, np.nan, X), y), ValueError, "X has .* NaN"),
    "labels out of range": (lambda X, y: (X, y + 1), ValueError, "labels run from 1 to 2. Expected 0 … 1"),
    "float labels": (lambda X, y: (X, y * 1.0), TypeError, "astype"),
    "labels missing": (lambda X, y: (X, y[:-1]), ValueError, "one label for each example"),
    "too few columns": (lambda X, y: (X[:, :1], y), ValueError, r"Expected \[n, 2\]"),
    "bytes": (lambda X, y: (X.astype(np.uint8), y), TypeError, "X / 255"),
    "no examples": (lambda X, y: (X[:0], y[:0]), ValueError, "no examples"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("part", ["training", "validation"])
def test_data_that_cannot_be_learnt_from_are_refused_before_the_first_step(name, part):
    spoil, kind, words = BAD[name]
    rng = np.random.default_rng(0)
    good = two_clouds(rng)
    (X, labels), validation = (spoil(*good), None) if part == "training" else (good, spoil(*good))
    network = Network.mlp((2, 2), rng)
    before = network.parameters.copy()
    with pytest.raises(kind, match=words):
        train(network, X, labels, optimizer=GradientDescent(0.1), epochs=1, batch_size=8, rng=rng,
              validation=validation, progress=False)
    assert (network.parameters == before).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_training_that_blows_up_stops_and_says_what_may_help():
    with pytest.raises(ValueError, match="a smaller learning rate usually helps"):
        train_on_clouds(optimizer=GradientDescent(1e200), hidden=ReLU)


@settings(deadline=None)
@given(rows=st.integers(-6, 6), columns=st.integers(-6, 6))
def test_shift_images_moves_down_and_right_and_lets_zeros_in(rows, columns):
    images = np.arange(1, 41).reshape(2, 4, 5)
    shifted, expected = shift_images(images, rows, columns), np.zeros_like(images)
    for r in range(4):
        for c in range(5):
            if 0 <= r - rows < 4 and 0 <= c - columns < 5:
                expected[:, r, c] = images[:, r - rows, c - columns]
    np.testing.assert_array_equal(shifted, expected)


def test_random_shifts_are_the_nine_shifts_by_at_most_a_pixel():
    image = np.arange(1.0, 26).reshape(1, 5, 5)
    nine = {shift_images(image, r, c).tobytes() for r in (-1, 0, 1) for c in (-1, 0, 1)}
    X = np.repeat(image.reshape(1, 25), 500, axis=0)
    shifted = random_shifts(X, np.random.default_rng(0))
    assert {row.tobytes() for row in shifted} == nine
    assert shifted.shape == X.shape
    assert random_shifts(X.astype(np.float32), np.random.default_rng(0)).dtype == np.float32
    assert (X == image.reshape(1, 25)).all()


def test_ninety_seven_percent_of_the_test_digits():
    digits, rng = load_digits(), np.random.default_rng(0)
    network = Network.mlp((784, 256, 10), rng, dtype=np.float32)
    train(network, digits.train_images, digits.train_labels, optimizer=Momentum(0.15), epochs=16, batch_size=64,
          rng=rng, augment=random_shifts, schedule=warm_up_and_decay)
    assert np.mean(network.predict(digits.test_images) == digits.test_labels) >= 0.97


def test_the_bar_in_a_notebook_leaves_the_same_output_behind_each_time():
    code = """import numpy as np
from backprop_lessons.network import Network
from backprop_lessons.optimizers import GradientDescent
from backprop_lessons.training import train
rng = np.random.default_rng()  # other figures each time
print("before")
history = train(Network.mlp((2, 2), rng), rng.normal(size=(200, 2)), rng.integers(0, 2, 200),
                optimizer=GradientDescent(0.1), epochs=20, batch_size=4, rng=rng)"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for _ in range(2)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    for cell in notebook.cells:
        printed, bar = cell.outputs
        assert printed.text == "before\n"
        assert bar.data == {"text/plain": "1,000 training steps", "text/html": "<span>1,000 training steps</span>"}


def test_the_bar_in_a_terminal_grows_and_is_wiped_away(monkeypatch, capsys):
    monkeypatch.setattr(progress_bar, "place_to_show", lambda: "terminal")
    with progress_bar.ProgressBar(4, seconds_between=0) as bar:
        for _ in range(4):
            bar.advance("loss 0.5")
    written = capsys.readouterr().err
    assert "██████░░░░░░░░░░░░░░░░░░ 1 of 4 steps loss 0.5" in written and "4 of 4" in written
    assert written.endswith("\r\x1b[K")


def test_the_bar_is_silent_where_nobody_sees_it_or_when_told_so(capsys):
    for show in (True, False):  # output is captured here, so there is no terminal
        with progress_bar.ProgressBar(2, show=show, seconds_between=0) as bar:
            bar.advance()
    assert capsys.readouterr() == ("", "")
