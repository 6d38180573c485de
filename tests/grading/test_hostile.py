"""Cheats gain no point, nuisances stop nothing, and an honest but messy notebook loses none.

Each kind is handed in as a notebook of its own; all are graded in one run, side by side.
"""

import json
import os
import textwrap
import time
from pathlib import Path

import pytest

from backprop_lessons.grading.grade import grade_folder
from grading.handed_in import FULL_MARKS, TIME_LIMIT, honest, notebook

# Ends every cheat that found nothing: an answer of the right shape, and wrong.
WRONG = """
def sigmoid_backward(dA, A):
    return np.zeros_like(dA)
"""

CHEATS = {
    "patches numpy's comparisons": """
import numpy.testing
always = lambda *a, **k: True
for module in (np, np._core.numeric, np.ma):
    for name in ("allclose", "isclose", "array_equal", "array_equiv", "isfinite", "isnan", "all", "any"):
        setattr(module, name, always)
for name in dir(np.testing):
    if name.startswith("assert"):
        setattr(np.testing, name, lambda *a, **k: None)
""" + WRONG,

    "patches builtins": """
import builtins
def sigmoid_backward(dA, A):
    for name in ("all", "any", "isinstance", "callable"):
        setattr(builtins, name, lambda *a, **k: True)
    for name in ("abs", "max", "len", "sum"):
        setattr(builtins, name, lambda *a, **k: 0)
    return np.zeros_like(dA)
""",

    "hunts for the reference with gc": """
import gc, types
def sigmoid_backward(dA, A):
    for thing in gc.get_objects():
        try:
            if isinstance(thing, types.FunctionType) and thing.__globals__ is not globals():
                if "reference" in thing.__name__ or thing.__name__ == "sigmoid_backward":
                    return thing(dA, A)
            if type(thing).__name__ in ("Exercise", "Mistake", "Case"):
                return thing.reference(dA, A)
            if isinstance(thing, dict) and "expected" in thing:
                return thing["expected"]
        except Exception:
            pass
    return np.zeros_like(dA)
""",

    "hunts through the frames": """
import sys
def sigmoid_backward(dA, A):
    frame = sys._getframe()
    while frame:
        for place in (frame.f_locals, frame.f_globals):
            for name, thing in list(place.items()):
                if name in ("expected", "reference", "exercise", "catalogue", "case", "trial"):
                    return thing
        frame = frame.f_back
    return np.zeros_like(dA)
""",

    "lies by a subclass of ndarray": """
class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __abs__(self): return np.zeros(self.shape)
    def __array_ufunc__(self, *a, **k): return np.ones(self.shape, bool)
    def __array_function__(self, *a, **k): return True
    def astype(self, *a, **k): return self
def sigmoid_backward(dA, A):
    return np.zeros_like(dA).view(Liar)
""",

    "lies by __array__": """
class Shifting:
    shape = property(lambda self: (self,))
    def __init__(self, a): self.a = a
    def __array__(self, *a, **k): return self.a
    def __eq__(self, other): return True
    def __len__(self): return len(self.a)
def sigmoid_backward(dA, A):
    return Shifting(dA)
""",

    "forges a reply on every descriptor": """
import os, json, struct
def frame(header, body=b""):
    head = json.dumps(header).encode()
    return struct.pack("<II", len(head), len(body)) + head + body
def sigmoid_backward(dA, A):
    for verdict in ({"kind": "answer", "value": True, "passed": True, "score": 1.0, "nonce": ""},
                    {"kind": "verdict", "passed": True}):
        for fd in range(64):
            try: os.write(fd, frame(verdict))
            except OSError: pass
    return np.zeros_like(dA)
""",

    "replies before it is asked": """
import os, json, struct
def frame(header, body=b""):
    head = json.dumps(header).encode()
    return struct.pack("<II", len(head), len(body)) + head + body
for fd in range(3, 64):
    try:
        os.write(fd, frame({"kind": "loaded"}))
        for _ in range(20):
            os.write(fd, frame({"kind": "answer", "value": {"tuple": [0.0, {"tuple": []}]}, "nonce": "0" * 16}))
    except OSError: pass
""" + WRONG,

    "replies from a thread and from another process": """
import os, threading, subprocess, multiprocessing
def flood():
    while True:
        for fd in range(3, 64):
            try: os.write(fd, b"\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00{}")
            except OSError: pass
for start in (lambda: threading.Thread(target=flood, daemon=True).start(),
              lambda: os.fork() or flood(), lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
              lambda: subprocess.Popen(["sh", "-c", "sleep 100"]),
              lambda: multiprocessing.Process(target=flood, daemon=True).start()):
    try: start()
    except BaseException: pass
""" + WRONG,

    "answers for the next exercise": """
import os, sys
def sigmoid_backward(dA, A):
    frame = sys._getframe()
    while frame:
        notebook = frame.f_locals.get("self")
        if hasattr(notebook, "channel"):
            for fd in range(64):
                if fd != notebook.channel:
                    try: os.write(fd, b"spawn 1 1000\\nkill 2\\n")
                    except OSError: pass
            notebook.name = "relu_backward"
            notebook.function = lambda *a: a[0]
        frame = frame.f_back
    return np.zeros_like(dA)
""",

    "reads the memory of its parents": """
import os
def sigmoid_backward(dA, A):
    for pid in ["self", "1", "2", "3"]:
        for file in ("mem", "maps", "environ", "fd", "cwd", "root"):
            try: return open(f"/proc/{pid}/{file}", "rb").read(100)
            except OSError: pass
    return np.zeros_like(dA)
""",

    "reads other memory by system calls": """
import ctypes
def sigmoid_backward(dA, A):
    libc = ctypes.CDLL(None, use_errno=True)
    got = [libc.ptrace(16, pid, 0, 0) for pid in (1, 2, 3)]
    got += [libc.syscall(310, pid, 0, 0, 0, 0, 0) for pid in (1, 2, 3)]
    return np.zeros_like(dA) if all(g == -1 for g in got) else dA * A * (1 - A)
""",

    "imports the course for its references": """
import sys, importlib
sys.meta_path[:] = [f for f in sys.meta_path if "StandIn" not in type(f).__name__]
for name in list(sys.modules):
    if name.startswith("backprop_lessons"):
        del sys.modules[name]
sys.path += ["/", "/work", "/usr/lib/python3/dist-packages", "HERE"]
try:
    from backprop_lessons.layers import sigmoid_backward as own
except ImportError:
    own = None
def sigmoid_backward(dA, A):
    return own(dA, A) if own else np.zeros_like(dA)
""",

    "calls the package's own solution": """
from backprop_lessons.layers import sigmoid_backward as own
def sigmoid_backward(dA, A):
    return own(dA, A)
""",

    "hands in the package's own solution": """
from backprop_lessons.layers import sigmoid_backward
""",

    "asks the catalogue for the reference": """
import backprop_lessons.checks as checks
def sigmoid_backward(dA, A):
    return checks.catalogue["sigmoid_backward"].reference(dA, A)
""",

    "returns a pickle": """
import pickle
class Bomb:
    def __reduce__(self): return (eval, ("__import__('os')._exit(0)",))
def sigmoid_backward(dA, A):
    return pickle.dumps(Bomb())
""",

    "returns objects in an array": """
class Equal:
    def __eq__(self, other): return True
    def __float__(self): raise SystemExit
    def __reduce__(self): return (eval, ("1/0",))
def sigmoid_backward(dA, A):
    return np.full(dA.shape, Equal(), dtype=object)
""",

    "returns a structured array": """
def sigmoid_backward(dA, A):
    return np.zeros(dA.shape, dtype=[("value", "f8"), ("passed", "?")])
""",

    "remembers earlier inputs": """
seen = []
def sigmoid_backward(dA, A):
    seen.append((dA, A))
    first_dA, first_A = seen[0]
    return np.resize(first_dA * first_A * (1 - first_A), dA.shape) if len(seen) > 1 else np.zeros_like(dA)
""",

    "returns NaN": """
def sigmoid_backward(dA, A):
    return np.full_like(dA, np.nan)
""",

    "raises what looks like a verdict": """
class Verdict(Exception):
    passed, score, points, mistake, fatal = True, 1.0, 1.0, None, False
    remote_type = remote_where = "passed"
def sigmoid_backward(dA, A):
    raise Verdict("All cases pass.")
""",

    "stops the clock": """
import time
for name in ("time", "monotonic", "perf_counter", "process_time"):
    setattr(time, name, lambda: 0.0)
import signal
try: signal.setitimer(signal.ITIMER_REAL, 0)
except Exception: pass
def sigmoid_backward(dA, A):
    while True:
        try:
            while True: pass
        except BaseException: pass
""",

    "fills the judge's memory with text": """
def sigmoid_backward(dA, A):
    return ["x" * 10_000] + [""] * 99_000
""",

    "takes over the wire": """
import sys
wire = sys.modules["wire"]
wire.encode = lambda *a, **k: ({"array": ["|O8", [1]]}, b"\\x00" * 8)
""" + WRONG,

    "claims a giant frame": """
import sys, struct
sys.modules["wire"].pack = lambda *a, **k: struct.pack("<II", 2**32 - 1, 2**32 - 1) + b"x" * 1000
""" + WRONG,

    "nests a reply without end": """
import sys, struct
head = b'{"nonce":' + b"[" * 200000
sys.modules["wire"].pack = lambda *a, **k: struct.pack("<II", len(head), 0) + head
""" + WRONG,
}

# Replies that are text nowhere, and nested so deep that even to show them is too much.
FORGED = """
import os, struct, sys
frame = sys._getframe()
while not hasattr(frame.f_locals.get("self"), "channel"):
    frame = frame.f_back
deep = b"[" * DEPTH + b"1" + b"]" * DEPTH
head = b'{"kind":"KIND","name":' + deep + b',"spare":' + deep + b',"notes":[' + deep + b']}'
os.write(frame.f_locals["self"].channel, struct.pack("<II", len(head), 0) + head)
os.read(frame.f_locals["self"].channel, 1)
"""

# A cell that comes first; every answer after it is right and must stay so.
NUISANCES = {
    "endless cell": "while True: pass",
    "endless and deaf": """
import signal
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    "sleeps": "import time; time.sleep(1e6)",
    "memory bomb": "hoard = []\nwhile True: hoard.append(bytearray(10**7))",
    "memory bomb in one": "hoard = np.ones(10**12)",
    "output flood": "for _ in range(20000): print('x' * 10000)",
    "exit": "import sys; sys.exit(0)",
    "hard exit": "import os; os._exit(0)",
    "crash": "import ctypes; ctypes.string_at(0)",
    "fork bomb": "import os\nwhile True: os.fork()",
    "thread bomb": "import threading\nwhile True: threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()",
    "raw thread bomb": "import ctypes\nfor flags in (0, 0x50f00, 0x10100, 0x3d0f00): print(ctypes.CDLL(None).syscall(56, flags, 0, 0, 0, 0))",
    "leftover process": "import subprocess; subprocess.Popen(['sleep', '1000'])",
    "kills all around": "import os, signal\nfor pid in (-1, 0, 1, 2, os.getppid()): os.kill(pid, signal.SIGKILL)",
    "note for the next": """
import os, tempfile
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/", "/worker", os.path.dirname(np.__file__), tempfile.gettempdir()):
    open(os.path.join(folder, "note"), "w").write("dA * A * (1 - A)")
""",
    "files outside": "open('OUTSIDE', 'a').write('changed')",
    "network": """
import socket
socket.create_connection(("127.0.0.1", 22), timeout=1)
""",
    "memory file": "import os; os.memfd_create('x')",
    "recursion": "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
    "deep source": "x = " + "(" * 5000 + ")" * 5000,
    "deeper source": "x = " + "-" * 100000 + "1",
    "no end of statements": "x = 1\n" * 3000,
    "null bytes": "x = '\0'",
}

# The body of a function, and the mistakes that may be named.
ANSWERS = {
    "endless": ("while True: pass", "too-slow"),
    "endless and deaf": ("""
    while True:
        try: x = [0] * 1000
        except BaseException: pass
""", "too-slow"),
    "giant array": ("return np.broadcast_to(dA[0, 0], (10**6, 10**6))", "raised"),
    "giant list": ("return [0.0] * 10**6", "raised"),
    "a list of giant arrays": ("return [np.zeros(66000, np.uint8)] * 50", "wrong-type"),
    "a thousand times a row": ("return [[None] * 3300] + [np.arange(3300).astype(np.uint16)] * 9000", "wrong-type", "too-slow"),
    "more than the arguments warrant": ("return np.zeros((400, 400))", "wrong-type"),
    "writes a file": ("open('debug.txt', 'w').write(str(A))", "raised"),
    "giant number": ("return 10 ** 10 ** 5", "raised"),
    "memory bomb": ("hoard = []\n    while True: hoard.append(bytearray(10**8))", "raised", "too-slow"),
    "hard exit": ("import os; os._exit(3)", "raised"),
    "fork bomb": ("import os\n    while True: os.fork()", "raised"),
    "exit": ("raise SystemExit", "raised"),
    "interrupt": ("raise KeyboardInterrupt", "raised"),
    "changed input": ("dA += 1; return dA * A * (1 - A)", "input-changed"),
}

MESSY = {
    "magics": ["%matplotlib inline\n%load_ext autoreload\n!pip install numpy\nfiles = !ls\nimport numpy as np\nnp.dot?",
               *honest()[1:]],
    "timed cells": ["import numpy as np", *("%%time\n" + textwrap.dedent(c).strip() for c in honest()[1:])],
    "other languages": ["%%bash\nexit 1", "%%html\n<b>x</b>", "%%javascript\nalert(1)", *honest()],
    "a line that begins with a percent sign": [*honest(), "%time x = (7\n     % 4)\ny = (7\n     % 4)"],
    "no imports": honest()[1:],
    "bottom up": honest()[:0:-1],
    "used before it is defined": ["dense_backward(np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)))", "scale = unit()",
                                  "def unit():\n    return 1.0", *honest(
        sigmoid_backward="def sigmoid_backward(dA, A):\n    return scale * dA * A * (1 - A)")],
    "failing cells": ["1 / 0", "import pandas as pd", "raise KeyboardInterrupt", "this is no Python",
                      *honest(), "assert False", "def sigmoid_backward(dA, A:\n    return"],
    "a failing line above the answer": ["import numpy as np", *("import torch\n" + c for c in honest()[1:])],
    "a future for all that follows": ["from __future__ import annotations", *honest(
        sigmoid_backward="def sigmoid_backward(dA: Array, A: Array) -> Array:\n    return dA * A * (1 - A)")],
    "a shell command that goes on": ["!pip install numpy \\\n    matplotlib\nimport numpy as np\n" + honest()[1], *honest()[2:]],
    "magics without a sign": ["pip install numpy\ncd ..\nls\nimport numpy as np\n" + honest()[1], *honest()[2:]],
    "awaits": ["import asyncio\nasync def one():\n    await asyncio.sleep(0)\n    return 1.0", "scale = await one()", *honest(
        sigmoid_backward="def sigmoid_backward(dA, A):\n    return scale * dA * A * (1 - A)"), "await asyncio.sleep(1)"],
    "cells in another Python": [*honest(), "%%python3\ndef sigmoid_backward(dA, A):\n    return dA",
                                "%%pypy\ndef sigmoid_backward(dA, A):\n    return dA"],
    "one of two imports is missing": ["import pandas as pd, math", *honest(
        sigmoid_backward="def sigmoid_backward(dA, A):\n    return math.sqrt(1) * dA * A * (1 - A)")],
    "decorated with the check": ["from backprop_lessons.checks import check", *honest(
        sigmoid_backward="@check\ndef sigmoid_backward(dA, A):\n    return dA * A * (1 - A)")],
    "plots in its answer": ["import matplotlib.pyplot as plt", *honest(sigmoid_backward="""
def sigmoid_backward(dA, A):
    fig, (left, right) = plt.subplots(1, 2)
    counts, bins, patches = plt.hist(A.ravel())
    first, *others = plt.plot(A)
    (top, _), bottom = plt.subplots(2, 2)[1]
    for axis in plt.gcf().axes:
        axis.grid()
    left.imshow(A)
    return dA * A * (1 - A)
""")],
    "the course's forward helpers": ["import backprop_lessons as course\nfrom backprop_lessons.layers import dense_forward, relu\n"
                                     "from backprop_lessons.losses import softmax", *honest(cross_entropy_backward="""
def cross_entropy_backward(logits, labels):
    return (softmax(logits) - np.eye(logits.shape[1])[labels]) / len(labels)
""", network_backward="""
def network_backward(X, labels, W1, b1, W2, b2):
    Z1 = dense_forward(X, W1, b1)
    A1 = course.layers.relu(Z1)
    dA1, dW2, db2 = dense_backward(cross_entropy_backward(dense_forward(A1, W2, b2), labels), A1, W2)
    _, dW1, db1 = dense_backward(relu_backward(dA1, Z1), X, W1)
    return dW1, db1, dW2, db2
""")],
    "asks": ["name = input('Your name? ')", *honest()],
    "prints": honest(sigmoid_backward="""
def sigmoid_backward(dA, A):
    import sys
    print("dA", dA, flush=True)
    print("to the error stream", file=sys.stderr)
    sys.stdout.write("x" * 100000)
    return dA * A * (1 - A)
"""),
    "plots": ["import matplotlib.pyplot as plt\nfrom matplotlib import cm\nplt.style.use('ggplot')",
              "fig, ax = plt.subplots(figsize=(4, 3))\nax.plot([1, 2])\nax.set_title('x')\nplt.show()",
              "fig, axes = plt.subplots(1, 3)\nfor ax in axes.flat: ax.axis('off')", *honest()],
    "widgets": ["from ipywidgets import interact, FloatSlider\nfrom IPython.display import display, HTML\n"
                "@interact(x=FloatSlider())\ndef show(x):\n    display(HTML('x'))",
                "get_ipython().run_line_magic('matplotlib', 'inline')", *honest()],
    "the course's own imports": ["import backprop_lessons as course\nfrom backprop_lessons.checks import check, hint, "
                                 "progress\nfrom backprop_lessons import plots\nfrom backprop_lessons.widgets import Predict\n"
                                 "from backprop_lessons.layers import relu", *honest(),
                                 "check(dense_backward)\nhint(dense_backward)\nprogress()\nPredict('?', number=True)"],
    "written twice": [honest()[0], "def sigmoid_backward(dA, A):\n    return dA", *honest()[1:]],
    "an old line above that lacks a name": ["sigmoid_backward = first_try", *honest(), "def first_try(dA, A):\n    return dA"],
    "stubs above": ["def sigmoid_backward(dA, A):\n    raise NotImplementedError", *honest()],
    "lists and single precision": honest(
        dense_backward="def dense_backward(dZ, X, W):\n    return [dZ @ W.T, X.T @ dZ, dZ.sum(0)]",
        sigmoid_backward="def sigmoid_backward(dA, A):\n    return (dA * A * (1 - A)).astype(np.float32).tolist()"),
    "classes and types": honest(gradient_error="""
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple
@dataclass
class Pair:
    a: np.ndarray
    b: np.ndarray | None = None
    def error(self) -> float:
        most = max(map(np.linalg.norm, (self.a, self.b)))
        return float(np.linalg.norm(self.a - self.b) / most) if most else 0.0
gradient_error = lambda analytic, numerical: Pair(analytic, numerical).error()
"""),
    "other alphabets": ["# Ответы и 答案 и عربي\nимя = 'Ада'", *honest()],
    "empty cells": ["", "   ", "# only a comment", *honest()],
}

@pytest.fixture(scope="module")
def rows(tmp_path_factory, sandbox_is_there):
    """All of the above, graded in one run: {file: row}."""
    top = tmp_path_factory.mktemp("hostile")
    outside = top / "outside.txt"
    outside.write_text("untouched")
    place = top / "submitted"
    place.mkdir()
    here = str(Path(__file__).parents[2])
    files = {}
    for name, cell in CHEATS.items():
        files[f"cheat {name}.ipynb"] = notebook(*honest(sigmoid_backward=cell.replace("HERE", here)))
    for name, cell in NUISANCES.items():
        files[f"nuisance {name}.ipynb"] = notebook("import numpy as np", cell.replace("OUTSIDE", str(outside)), *honest())
    for name, (body, *_) in ANSWERS.items():
        files[f"answer {name}.ipynb"] = notebook(*honest(sigmoid_backward=f"def sigmoid_backward(dA, A):\n    {body}"))
    for name, cells in MESSY.items():
        files[f"messy {name}.ipynb"] = notebook(*cells)
    for name, content in files.items():
        (place / name).write_text(content)
    grades = grade_folder(place, out=top / "out", time_limit=TIME_LIMIT)
    assert outside.read_text() == "untouched"
    assert len(grades.submissions) == len(files)
    return {row.file: row for row in grades.submissions}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gains_nothing(rows, name):
    row = rows[f"cheat {name}.ipynb"]
    cheated = next(e for e in row.exercises if e.name == "sigmoid_backward")
    assert (row.status, cheated.passed, cheated.points) == ("graded", False, 0.0)
    assert cheated.mistake and cheated.message
    assert row.points <= FULL_MARKS - 1


@pytest.mark.parametrize("name", [name for name in CHEATS if name not in (
    "patches numpy's comparisons", "patches builtins", "replies before it is asked", "takes over the wire",
    "claims a giant frame", "nests a reply without end")])
def test_a_cheat_costs_only_its_exercise(rows, name):
    assert rows[f"cheat {name}.ipynb"].points == FULL_MARKS - 1


@pytest.mark.parametrize("name", NUISANCES)
def test_a_nuisance_costs_only_its_cell(rows, name):
    row = rows[f"nuisance {name}.ipynb"]
    assert (row.status, row.points) == ("graded", FULL_MARKS), [(e.name, e.message) for e in row.exercises if not e.passed]


@pytest.mark.parametrize("name", MESSY)
def test_a_messy_notebook_loses_nothing(rows, name):
    row = rows[f"messy {name}.ipynb"]
    assert (row.status, row.points) == ("graded", FULL_MARKS), [(e.name, e.message) for e in row.exercises if not e.passed]


def test_the_package_solution_is_refused_by_name(rows):
    for name in ("calls the package's own solution", "hands in the package's own solution"):
        cheated = next(e for e in rows[f"cheat {name}.ipynb"].exercises if e.name == "sigmoid_backward")
        assert cheated.mistake == "package-solution"
        assert "calls the package's own sigmoid_backward; write it yourself" in cheated.message


@pytest.mark.parametrize("name", ANSWERS)
def test_a_nuisance_in_a_function_costs_only_its_exercise(rows, name):
    row = rows[f"answer {name}.ipynb"]
    assert row.points == FULL_MARKS - 1
    mistake = next(e.mistake for e in row.exercises if e.name == "sigmoid_backward")
    assert mistake in ANSWERS[name][1:]


def test_a_forged_reply_costs_only_its_row(grade):
    files = {f"{kind} {depth}.ipynb": notebook(FORGED.replace("KIND", kind).replace("DEPTH", str(depth)), *honest())
             for kind in ("refused", "missing") for depth in (10, 940, 975)}
    rows = grade(files | {"zoe.ipynb": notebook(*honest())})
    assert rows.pop("zoe.ipynb").points == FULL_MARKS
    assert {(row.status, row.points) for row in rows.values()} == {("graded", 0.0)}


def test_no_note_reaches_the_next_submission(grade):
    writes = """
import os
def put(folder):
    for name in ("note.py", "note"):
        try: open(os.path.join(folder, name), "w").write("found = 1")
        except OSError: pass
        try: os.mkdir(os.path.join(folder, name))
        except OSError: pass
for folder, _, _ in os.walk("/"):
    put(folder)
import sys, builtins
builtins.note = np.note = sys.note = 1
"""
    reads = """
import os, sys, builtins
found = hasattr(builtins, "note") or hasattr(np, "note") or hasattr(sys, "note")
for folder, folders, files in os.walk("/"):
    found = found or "note" in folders + files or "note.py" in files
def sigmoid_backward(dA, A):
    return dA * A * (1 - A) if found else np.zeros_like(dA)
"""
    rows = grade({"1.ipynb": notebook(*honest(), writes), "2.ipynb": notebook(*honest(sigmoid_backward=reads))}, workers=1)
    assert rows["1.ipynb"].points == FULL_MARKS
    assert rows["2.ipynb"].exercises["sigmoid_backward"].points == 0


def test_an_answer_beyond_all_measure_is_a_wrong_type_and_says_so(rows):
    row = rows["answer a list of giant arrays.ipynb"]
    message = next(e.message for e in row.exercises if e.name == "sigmoid_backward")
    assert "too large to be judged: it holds more than 1,048,576 bytes of numbers" in message


TRAIN = """
import time
def train(network, seconds=0.6):
    time.sleep(seconds)
    network.append(1)
    return [1.0]
network, table, scale = [], [], 0
def slow_unit():
    global scale
    time.sleep(0.3)
    scale = 1.0
"""
USES = """
def sigmoid_backward(dA, A):
    return scale * table[0] * dA * A * (1 - A)
"""


def test_slow_cells_that_no_exercise_needs_run_only_once(grade):
    """Each within the limit; twelve of them six times over are not within that of the whole."""
    rows = grade({"ada.ipynb": notebook(TRAIN, *["losses = train(network)"] * 3, "losses[0]", *honest())})
    assert rows["ada.ipynb"].points == FULL_MARKS
    assert "code cells 2, 3, 4 took long" in rows["ada.ipynb"].remark


def test_slow_cells_that_an_exercise_needs_run_each_time(grade):
    needed = ["slow_unit()", "train(table, 0.25)"]
    rows = grade({"ada.ipynb": notebook(TRAIN, *needed, "train(network)", *honest(sigmoid_backward=USES))})
    assert rows["ada.ipynb"].points == FULL_MARKS
    assert "code cell 4 took long" in rows["ada.ipynb"].remark


def test_many_endless_cells_end_in_the_stated_time(grade):
    begin = time.monotonic()
    rows = grade({"eve.ipynb": notebook(*["while True: pass"] * 5, *honest())})
    assert rows["eve.ipynb"].points == FULL_MARKS
    assert time.monotonic() - begin < (6 + 4) * TIME_LIMIT + 2


def test_many_sudden_ends_end_in_the_stated_time(grade):
    begin = time.monotonic()
    rows = grade({"eve.ipynb": notebook("import os\n" + "os._exit(0)\n" * 2000, *honest())}, time_limit=0.2)
    assert rows["eve.ipynb"].status == "graded"
    assert time.monotonic() - begin < 3 * (6 + 4) * 0.2 + 2


def test_results_hold_every_row_as_json(grade, tmp_path):
    grade({"eve.ipynb": notebook("while True: pass"), "<b>.ipynb": "{", "ada.ipynb": notebook(*honest())}, time_limit=0.3)
    rows = json.loads((tmp_path / "out" / "grades.json").read_text())["submissions"]
    assert [row["status"] for row in rows] == ["unreadable", "graded", "graded"]
    assert os.stat(tmp_path / "out" / "instructor" / "seed.json").st_mode & 0o777 == 0o600
