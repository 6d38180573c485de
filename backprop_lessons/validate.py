"""Checks of arguments, shared by the mathematics.

Each message says three things: what was given, what is expected, and what to do about it.
They stand where data comes in (the losses, the network, training), not inside every loop.
"""

import numpy as np


def check_finite(name, array):
    """Refuse NaN and infinity, and say where the first one stands."""
    array = np.asarray(array)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name} has dtype {array.dtype}. Expected numbers. Write np.array({name}, dtype=float); "
                        f"if that fails, an entry is not a number.")
    finite = np.isfinite(array)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name} has {np.count_nonzero(~finite)} entries that are NaN or infinite, the first, "
            f"{array[where]}, at index {where}. Expected finite numbers. If this is your data, clean it; "
            f"if it came out of a network in training, a smaller learning rate usually helps."
        )


def check_matrix(name, array, columns=None, columns_are="features"):
    """Refuse what is not a matrix [n, columns] with at least one row."""
    if np.ndim(array) != 2 or (columns is not None and np.shape(array)[1] != columns):
        expected = f"[n, {columns or ('k' if columns_are == 'classes' else 'd')}]"
        remedy = (
            f"For one example, write {name}[None, :]."
            if np.ndim(array) == 1 and columns in (None, np.size(array))
            else "For images [n, h, w], write images.reshape(len(images), -1)."
            if np.ndim(array) == 3
            else f"Print {name}.shape where it is made."
        )
        raise ValueError(f"{name} has shape {np.shape(array)}. Expected {expected}: rows are examples, "
                         f"columns are {columns_are}. {remedy}")
    if np.shape(array)[0] == 0:
        raise ValueError(f"{name} has shape {np.shape(array)}: no examples. Expected at least one row.")


def check_dense(X, W, b):
    """Refuse a dense layer's X, W and b whose shapes do not fit together."""
    for name, array in {"X": X, "W": W, "b": b}.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is a {type(array).__name__}. Expected a numpy array. Write np.array({name}).")
    if np.ndim(W) != 2 or X.shape[-1:] != W.shape[:1] or b.shape != W.shape[1:]:
        raise ValueError(f"X {X.shape}, W {W.shape} and b {b.shape} do not fit. Expected X [n, d_in], W [d_in, d_out] and "
                         f"b [d_out]. Give W as many rows as X has columns, and b as many entries as W has columns.")


def check_rate(rate):
    """Refuse a dropout rate outside 0 ≤ rate < 1."""
    if not 0 <= rate < 1:
        raise ValueError(f"rate is {rate}. Expected 0 ≤ rate < 1. Give the share of entries to set to zero, such as 0.5.")


def check_labels(labels, n, classes):
    """Refuse labels that are not n integers in 0 … classes − 1."""
    if np.shape(labels) != (n,):
        remedy = ("For one-hot rows, write np.argmax(labels, axis=1)." if np.ndim(labels) == 2 and np.shape(labels)[1] > 1
                  else "For a column [n, 1], write labels.ravel()." if np.ndim(labels) == 2
                  else "Check that examples and labels were cut in the same way.")
        raise ValueError(f"labels has shape {np.shape(labels)}. Expected [n] = ({n},), one label for each example. {remedy}")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels has dtype {labels.dtype}. Expected integers 0 … {classes - 1}. "
                        f"If they are whole numbers, write labels.astype(np.int64).")
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= classes:
        raise ValueError(f"labels run from {lowest} to {highest}. Expected 0 … {classes - 1}, because there are "
                         f"{classes} classes. Count classes from 0, or give the network's last layer more outputs.")


def check_same_shape(first_name, first, second_name, second):
    """Refuse two arrays of different shapes, which numpy might silently broadcast."""
    if np.shape(first) != np.shape(second):
        raise ValueError(f"{first_name} has shape {np.shape(first)} and {second_name} has shape {np.shape(second)}. "
                         f"Expected equal shapes. Use reshape on one of them: [n, 1] and [n] would broadcast to [n, n].")


def check_sizes(sizes):
    """Refuse layer sizes that are not at least two whole numbers above 0."""
    if len(sizes) < 2 or any(size != int(size) or size < 1 for size in sizes):
        raise ValueError(f"sizes is {sizes}. Expected two or more whole numbers above 0: inputs, hidden layers, outputs, "
                         f"such as (784, 128, 10).")


def check_batches(X, y, batch_size):
    """Refuse examples without their labels, and batches of no examples."""
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows and y has {len(y)}. Expected one label for each example. "
                         f"Check that both were cut in the same way.")
    if batch_size != int(batch_size) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}. Expected a whole number above 0, such as 64.")


def check_checkable(dtype, method, methods):
    """Refuse a gradient check that could not tell right from wrong."""
    if dtype != np.float64:
        raise TypeError(f"the network computes in {dtype}, too coarse to check. Expected float64. "
                        f"Write check_gradients(network.astype(np.float64), …).")
    if method not in methods:
        raise ValueError(f"method is {method!r}. Expected one of {list(methods)}. Choose one of these.")


def check_same_optimizer(parameters, memory):
    """Refuse an optimizer that remembers another network's steps."""
    if parameters.shape != memory.shape:
        raise ValueError(f"this optimizer has stepped {memory.size:,} parameters, and now got {parameters.size:,}. "
                         f"Make a new optimizer for each network.")


def as_numbers(name, array, dtype):
    """The array in the network's dtype, unless that would hide a mistake."""
    array = np.asarray(array)
    if array.dtype == dtype:
        return array
    if array.dtype == np.uint8:
        raise TypeError(f"{name} has dtype uint8, whole numbers 0 … 255. Expected numbers of size about 1. "
                        f"Write {name} / 255.")
    if array.dtype.kind not in ("fiubc" if np.dtype(dtype).kind == "c" else "fiub"):
        raise TypeError(f"{name} has dtype {array.dtype}. Expected real numbers, such as float64. "
                        f"Write np.array({name}, dtype=float); if that fails, a row is too short or not a number.")
    return array.astype(dtype)
