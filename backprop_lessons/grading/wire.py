"""What goes over the socket between the grader and the sandbox: frames of JSON and raw numbers.

Both ends use this module, but only the grader's end relies on it: whatever comes from the sandbox
may be forged, so a length is checked before memory is taken for it, nothing is ever unpickled, and
only plain values come out: None, numbers, tuples, lists and arrays of real numbers. A value of any
other type arrives as a `Foreign` object that holds nothing but the name of that type. Text is among
them: of a list of one long text and many short ones, numpy makes an array of gigabytes.

It imports the standard library and numpy alone, since it also runs inside the sandbox.
"""

import functools
import json
import math
import struct

import numpy as np

MAX_HEADER = 4 * 2**20  # bytes
MAX_BODY = 64 * 2**20
MAX_VALUES = 20_000  # in one frame: an array counts as one
MAX_STRUCTURE = 5 * MAX_VALUES  # brackets and braces in a header: an array takes three
MAX_FOREIGN = 100  # of these, values of other types
MAX_DEPTH = 16  # of lists in lists
MAX_DIMENSIONS = 16
MAX_INTEGER_DIGITS = 400
DTYPES = {d: np.dtype(d) for d in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8",
                                   "<f2", "<f4", "<f8")}
LENGTHS = struct.Struct("<II")  # of the header and of the body


class WireError(Exception):
    """A frame that breaks the rules."""


class TooLarge(WireError):
    """A value or a frame that is larger than the rules allow."""


class Foreign:
    """Stands for a value that is not sent: an object of another type. `foreign(name)` makes one."""


@functools.lru_cache(maxsize=1000)
def foreign(name) -> Foreign:
    """An object whose type has this name and that can do nothing."""
    letters = "".join(c if c.isascii() and (c.isalnum() or c in "_. ") else "?" for c in str(name))
    return type(letters[:60].strip() or "object", (Foreign,), {})()


# --- frames --------------------------------------------------------------------------------

def pack(header: dict, body=b"") -> bytes:
    """A frame: two lengths, a header in JSON, raw bytes. Raises TooLarge."""
    head = json.dumps(header).encode()
    if len(head) > MAX_HEADER or len(body) > MAX_BODY:
        raise TooLarge(f"more than {MAX_BODY // 2**20} MiB of numbers or {MAX_HEADER // 2**20} MiB of text")
    return b"".join((LENGTHS.pack(len(head), len(body)), head, body))


def unpack(receive, max_header=MAX_HEADER, max_body=MAX_BODY) -> tuple[dict, bytes]:
    """The header and the body of the next frame.

    `receive(n)` returns exactly n bytes. Raises TooLarge before it asks for more, or makes more of
    it, than is allowed, and WireError for a header that is no JSON object.
    """
    head_length, body_length = LENGTHS.unpack(receive(LENGTHS.size))
    if head_length > max_header or body_length > max_body:
        raise TooLarge(f"more than {max_body:,} bytes of numbers or {max_header:,} of text")
    head = receive(head_length)
    if head.count(b"[") + head.count(b"{") > MAX_STRUCTURE:
        raise TooLarge(f"more than {MAX_VALUES:,} values")
    try:
        header = json.loads(head.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise WireError("a frame whose header is not JSON") from error
    if not isinstance(header, dict):
        raise WireError("a frame whose header is not a JSON object")
    return header, receive(body_length) if body_length else b""


# --- values --------------------------------------------------------------------------------

def encode(value, trusted=False):
    """A value as (tree for the header, body). Raises TooLarge.

    With `trusted=True`, as the grader sends arguments, text and numpy Generators (with their state)
    go along. In the other direction they are foreign objects.
    """
    buffers = []
    return _Encoder(buffers, trusted).encode(value, 0), b"".join(buffers)


class _Encoder:
    def __init__(self, buffers, trusted):
        self.buffers, self.trusted = buffers, trusted
        self.values = self.size = self.foreign = 0

    def encode(self, value, depth):
        self.values += 1
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            raise TooLarge(f"more than {MAX_VALUES:,} values, or lists nested more than {MAX_DEPTH} deep")
        if value is None or value is True or value is False:
            return value
        if isinstance(value, np.ndarray):
            return self._array("array", value)
        if isinstance(value, np.generic):
            return self._array("scalar", np.asarray(value))
        if isinstance(value, int):
            if value.bit_length() > 3 * MAX_INTEGER_DIGITS:
                raise TooLarge(f"a whole number of more than {MAX_INTEGER_DIGITS} digits")
            return int(value)
        if isinstance(value, float):
            return float(value)
        if self.trusted and isinstance(value, str):
            return value
        if isinstance(value, (tuple, list)):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {kind: [self.encode(v, depth + 1) for v in value]}
        if self.trusted and isinstance(value, np.random.Generator):
            return {"generator": _state(value)}
        return self._foreign("function" if callable(value) and not isinstance(value, type) else type(value).__name__)

    def _foreign(self, name):
        self.foreign += 1
        if self.foreign > MAX_FOREIGN:
            raise TooLarge(f"more than {MAX_FOREIGN} values that are no numbers")
        return {"foreign": name[:100]}

    def _array(self, kind, value):
        array = np.asarray(value)
        if array.dtype == np.longdouble:
            array = array.astype(np.float64)
        dtype = array.dtype.newbyteorder("<").str
        if dtype not in DTYPES:
            return self._foreign(f"{array.dtype.name} array" if kind == "array" else array.dtype.name)
        if array.ndim > MAX_DIMENSIONS:
            raise TooLarge(f"an array of more than {MAX_DIMENSIONS} dimensions")
        self.size += array.nbytes
        if self.size > MAX_BODY:
            raise TooLarge(f"arrays of more than {MAX_BODY // 2**20} MiB")
        self.buffers.append(array.astype(dtype, copy=False).tobytes())
        return {kind: [dtype, list(array.shape)]}


def decode(tree, body, trusted=False, max_numbers=MAX_BODY):
    """The value that `encode` made this of. Arrays are new, writable and contiguous. Raises WireError.

    At most `max_numbers` in all arrays and lists together, counted before any is made: numpy may make one
    array of a whole list, of eight bytes a number whatever the type of each was.
    """
    decoder = _Decoder(body, trusted, max_numbers)
    value = decoder.decode(tree, 0)
    if decoder.at != len(body):
        raise WireError("a frame with more numbers than its header tells of")
    return value


class _Decoder:
    def __init__(self, body, trusted, max_numbers):
        self.body, self.trusted, self.max_numbers = body, trusted, max_numbers
        self.values = self.numbers = self.at = self.foreign = 0

    def _count(self, numbers):
        self.numbers += numbers
        if self.numbers > self.max_numbers:
            raise TooLarge(f"more than {self.max_numbers:,} numbers")

    def decode(self, tree, depth):
        self.values += 1
        if depth > MAX_DEPTH or self.values > MAX_VALUES:
            raise TooLarge(f"more than {MAX_VALUES:,} values, or lists nested more than {MAX_DEPTH} deep")
        if not isinstance(tree, dict):
            self._count(1)
        if tree is None or isinstance(tree, (bool, float)):
            return tree
        if isinstance(tree, int):
            if tree.bit_length() > 4 * MAX_INTEGER_DIGITS:
                raise TooLarge("a whole number of too many digits")
            return tree
        if self.trusted and isinstance(tree, str):
            return tree
        if not isinstance(tree, dict) or len(tree) != 1:
            raise WireError("a value of no known kind")
        kind, content = next(iter(tree.items()))
        if kind in ("tuple", "list") and isinstance(content, list):
            items = [self.decode(c, depth + 1) for c in content]
            return tuple(items) if kind == "tuple" else items
        if kind in ("array", "scalar") and isinstance(content, list) and len(content) == 2:
            return self._array(kind, *content)
        if kind == "foreign" and isinstance(content, str):
            self.foreign += 1
            if self.foreign > MAX_FOREIGN:
                raise TooLarge("a frame of too many values of other types")
            return foreign(content[:100])
        if kind == "generator" and self.trusted:
            return _generator(content)
        raise WireError("a value of no known kind")

    def _array(self, kind, name, shape):
        dtype = DTYPES.get(name) if isinstance(name, str) else None
        if dtype is None:
            raise WireError("an array of a type that is not sent")
        if not isinstance(shape, list) or len(shape) > (MAX_DIMENSIONS if kind == "array" else 0) or not all(
                type(n) is int and 0 <= n <= 2**31 for n in shape):
            raise WireError("an array of an impossible shape")
        count = math.prod(shape)  # exact: these are Python's integers
        self._count(count)
        size = count * dtype.itemsize
        if size > len(self.body) - self.at:
            raise WireError("an array with fewer numbers than its shape says")
        raw = self.body[self.at:self.at + size]
        self.at += size
        if dtype.kind == "b":  # a byte that is neither 0 nor 1 is no truth value
            array = np.frombuffer(raw, np.uint8) != 0
        else:
            array = np.frombuffer(raw, dtype).astype(dtype.newbyteorder("="))
        try:
            array = array.reshape(shape)
        except ValueError as error:  # a size of 0 with dimensions that numpy cannot hold
            raise WireError("an array of an impossible shape") from error
        return array if kind == "array" else array[()]


def _state(generator):
    state = generator.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise WireError("only numpy's default generator (PCG64) can be sent")
    return [str(state["state"]["state"]), str(state["state"]["inc"]), state["has_uint32"], state["uinteger"]]


def _generator(content):
    state, increment, has_uint32, uinteger = content
    bits = np.random.PCG64()
    bits.state = {"bit_generator": "PCG64", "state": {"state": int(state), "inc": int(increment)},
                  "has_uint32": has_uint32, "uinteger": uinteger}
    return np.random.Generator(bits)
