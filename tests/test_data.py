"""The digits are the ones that SOURCE.md describes, and the toy problems are what they say."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_lessons import data
from backprop_lessons.data import circles, load_digits, moons, spirals, xor
from backprop_lessons.data.make_digits import split, to_bytes

FOLDER = Path(data.__file__).parent
TOY = [moons, spirals, circles, xor]


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.fixture(scope="module")
def stored():
    with np.load(FOLDER / "digits.npz") as arrays:
        return dict(arrays)


def documented_checksums():
    rows = re.findall(r"^\| `(\S+)` \|.*?`([0-9a-f]{64})` \|$", (FOLDER / "SOURCE.md").read_text("utf-8"), re.M)
    return dict(rows)


def test_the_file_is_the_one_in_source_md():
    content = (FOLDER / "digits.npz").read_bytes()
    assert hashlib.sha256(content).hexdigest() == documented_checksums()["digits.npz"]


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_the_split_never_changes(stored, name):
    assert stored[name].dtype == np.uint8
    assert hashlib.sha256(stored[name].tobytes()).hexdigest() == documented_checksums()[name]


def test_shapes_types_and_range(digits):
    assert digits.train_images.shape == (8000, 784) and digits.test_images.shape == (2000, 784)
    assert digits.train_labels.shape == (8000,) and digits.test_labels.shape == (2000,)
    assert digits.train_images.dtype == digits.test_images.dtype == np.float32
    assert digits.train_labels.dtype == digits.test_labels.dtype == np.int64
    for images in (digits.train_images, digits.test_images):
        assert images.min() == 0 and images.max() == 1


def test_class_counts_are_those_of_the_package(digits):
    train, test = np.bincount(digits.train_labels), np.bincount(digits.test_labels)
    assert (train + test).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert test.tolist() == [217, 245, 186, 204, 191, 184, 203, 188, 189, 193]


def test_no_picture_occurs_twice(stored):
    images = np.concatenate([stored["train_images"], stored["test_images"]])
    assert len({image.tobytes() for image in images}) == 10_000


def test_other_precision_holds_the_same_pixels(digits, stored):
    double = load_digits(dtype=np.float64)
    assert double.train_images.dtype == np.float64
    assert np.array_equal(np.rint(double.test_images * 255).astype(np.uint8), stored["test_images"])
    assert np.abs(double.test_images - digits.test_images).max() < 1e-7


def test_a_dtype_that_cannot_hold_fractions_is_refused():
    with pytest.raises(TypeError, match="np.float32"):
        load_digits(dtype=np.int64)


def test_loaded_arrays_are_the_callers_own():
    load_digits().test_images[:] = 7
    assert load_digits().test_images.max() == 1


def test_repr_says_how_many(digits):
    assert repr(digits) == "Digits: 8,000 to train with, 2,000 to test with; 784 pixels each, float32"


def test_every_byte_survives_the_packages_rounding():
    every_byte = np.arange(256)
    assert np.array_equal(to_bytes(np.round(every_byte / 255, 3)), every_byte)


def test_values_of_another_package_are_refused():
    with pytest.raises(ValueError, match="mnist 1.1.0"):
        to_bytes(np.array([0.0, 0.5021]))


def test_the_split_keeps_each_picture_with_its_label():
    images = np.arange(10_000)
    parts = split(images, images % 251)
    assert len(parts["train_images"]) == 8000
    assert np.array_equal(parts["train_images"] % 251, parts["train_labels"])
    assert np.array_equal(parts["test_images"] % 251, parts["test_labels"])
    assert np.array_equal(np.sort(np.concatenate([parts["train_images"], parts["test_images"]])), images)


@pytest.mark.parametrize("toy", TOY)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**32 - 1))
def test_toy_shapes_balance_and_repeatability(toy, n, seed):
    X, labels = toy(n, 0.1, np.random.default_rng(seed))
    assert X.shape == (n, 2) and X.dtype == np.float64 and np.isfinite(X).all()
    assert labels.dtype == np.int64 and labels.sum() == n // 2
    again, _ = toy(n, 0.1, np.random.default_rng(seed))
    assert np.array_equal(X, again)


def test_toy_labels_without_noise_follow_from_the_place():
    rng = np.random.default_rng(1)
    X, labels = circles(200, 0, rng)
    assert np.allclose(np.linalg.norm(X, axis=1), np.where(labels == 0, 1, 0.5))
    X, labels = xor(200, 0, rng)
    assert np.array_equal(np.abs(X), np.ones((200, 2)))
    assert np.array_equal(X[:, 0] * X[:, 1] < 0, labels == 1)
    X, labels = moons(200, 0, rng)
    upper, lower = X[labels == 0], X[labels == 1]
    assert np.allclose(np.linalg.norm(upper, axis=1), 1) and (upper[:, 1] >= 0).all()
    assert np.allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1) and (lower[:, 1] <= 0.5).all()
    X, labels = spirals(200, 0, rng)
    angle = 3 * np.pi * np.linalg.norm(X, axis=1) + np.pi * labels
    assert np.allclose(X, np.linalg.norm(X, axis=1)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))


@pytest.mark.parametrize("toy", TOY)
def test_no_straight_line_separates_a_toy_problem(toy):
    X, labels = toy(400, 0.02, np.random.default_rng(3))
    padded = np.column_stack([X, np.ones(400)])
    line = np.linalg.lstsq(padded, 2.0 * labels - 1, rcond=None)[0]
    assert ((padded @ line > 0) == (labels == 1)).mean() < 0.95


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((0, 0.1, np.random.default_rng(0)), ValueError, "1 or more"),
        ((2.5, 0.1, np.random.default_rng(0)), ValueError, "whole number"),
        ((10, -1, np.random.default_rng(0)), ValueError, "standard deviation"),
        ((10, 0.1, 42), TypeError, "default_rng"),
    ],
)
def test_toy_problems_say_what_is_wrong(arguments, error, words):
    with pytest.raises(error, match=words):
        moons(*arguments)
