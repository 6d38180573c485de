"""Values that other programs computed, stored so that the tests do not need those programs."""

from pathlib import Path

import numpy as np


def pytorch(group):
    """The arrays of one group of pytorch.npz, e.g. pytorch("dense")["dW"]."""
    with np.load(Path(__file__).with_name("pytorch.npz")) as file:
        return {name.removeprefix(f"{group}/"): file[name] for name in file.files if name.startswith(f"{group}/")}
