"""Ten thousand real handwritten digits, 28 by 28 pixels. Where they come from: SOURCE.md beside this file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

FILE = Path(__file__).with_name("digits.npz")


class Digits(NamedTuple):
    """Pictures as rows of 784 numbers from 0 (paper) to 1 (ink), and the digit that each one shows."""

    train_images: np.ndarray  # [8000, 784]
    train_labels: np.ndarray  # [8000]
    test_images: np.ndarray  # [2000, 784]
    test_labels: np.ndarray  # [2000]

    def __repr__(self):
        return (
            f"Digits: {len(self.train_labels):,} to train with, {len(self.test_labels):,} to test with; "
            f"{self.train_images.shape[1]} pixels each, {self.train_images.dtype}"
        )


def load_digits(dtype=np.float32):
    """Load the 10,000 digits, in a split that never changes: 8,000 for training, 2,000 for testing.

    dtype: of the pictures, a floating-point type. The labels are int64.
    Returns fresh arrays at every call, so changing them changes nothing elsewhere.
    Raises TypeError for a dtype that cannot hold numbers between 0 and 1.
    """
    dtype = np.dtype(dtype)
    if not np.issubdtype(dtype, np.floating):
        raise TypeError(
            f"load_digits got dtype={dtype}, which cannot hold numbers between 0 and 1. "
            "Use np.float32 (for training) or np.float64 (for checking gradients)."
        )
    with np.load(FILE) as stored:
        return Digits(
            stored["train_images"].astype(dtype) / dtype.type(255),  # bytes 0…255 -> 0…1
            stored["train_labels"].astype(np.int64),
            stored["test_images"].astype(dtype) / dtype.type(255),
            stored["test_labels"].astype(np.int64),
        )
