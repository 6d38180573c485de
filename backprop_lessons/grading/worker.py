"""The process inside the sandbox: it waits, clean and with numpy imported, and forks for each question.

Each child of it confines itself, runs the cells of one notebook, and answers calls of one function
on a socket of its own. It holds nothing worth stealing: no reference, no input not yet asked. All
that it says may be forged by the student's code, so the grader believes nothing but the values.

Run as `python -I -S worker.py NUMPY_PARENT CONTROL_FD`, or with `--probe` in place of the number to
print which files it needs. It imports the standard library, numpy and its two neighbours alone.
"""

import __future__

import ast
import dis
import gc
import importlib.abc
import importlib.machinery
import inspect
import json
import linecache
import os
import random
import re
import signal
import socket
import sys
import sysconfig
import traceback
import types
from time import monotonic

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__))]
if __name__ == "__main__":
    sys.path.append(sys.argv[1])

import numpy as np  # noqa: E402
import numpy.fft, numpy.linalg, numpy.polynomial, numpy.random, numpy.testing  # noqa: E402, E401, F401

import confine  # noqa: E402
import wire  # noqa: E402

MAX_NOTES = 20
FUTURES = sum(getattr(__future__, name).compiler_flag for name in {*__future__.all_feature_names} - {"nested_scopes"})
SLOW = 0.2  # seconds from which on a statement is worth leaving out
MAX_SPARE = 1000


# --- the server ----------------------------------------------------------------------------

def serve(control) -> None:
    """Answer the grader's commands, one line each, until it hangs up.

    `spawn TRUSTED CPU_SECONDS`, with a socket beside it: fork a child that answers there -> `PID`.
    `kill PID`: end it and clear it away -> `STATUS CPU_SECONDS`.
    """
    wire.decode(*wire.encode([np.zeros((2, 2)) @ np.ones((2, 2)), np.random.default_rng(0).normal()]))  # warm
    np.random.seed(0)  # a student who draws from the global generators gets the same at every grading
    random.seed(0)
    gc.collect()
    gc.freeze()  # what is here now need not be looked at, and copied, in each child
    control.sendall(b"ready\n")
    while True:
        line, descriptors, _, _ = socket.recv_fds(control, 100, 1)
        command, *numbers = line.decode().split() or ["end"]
        if command == "spawn":
            pid = os.fork()
            if pid == 0:
                control.close()
                answer_questions(descriptors[0], trusted=numbers[0] == "1", cpu_seconds=int(numbers[1]))
            os.close(descriptors[0])
            control.sendall(f"{pid}\n".encode())
        elif command == "kill":
            os.kill(int(numbers[0]), signal.SIGKILL)
            _, status, usage = os.wait4(int(numbers[0]), 0)
            control.sendall(f"{status} {usage.ru_utime + usage.ru_stime:.4f}\n".encode())
        else:
            return


def probe() -> None:
    """Print, as JSON, the files that this process needs: what the sandbox will show and nothing else."""
    np.ones((64, 64)) @ np.ones((64, 64))  # some libraries load parts of themselves at the first product
    for name in ("bz2", "csv", "dataclasses", "decimal", "hashlib", "lzma", "sqlite3", "ssl", "statistics", "zlib"):
        try:
            __import__(name)
        except ImportError:  # a Python built without it
            pass
    with open("/proc/self/maps") as maps:
        mapped = {line.split(maxsplit=5)[5].strip() for line in maps if len(line.split(maxsplit=5)) == 6}
    print(json.dumps({
        "standard_library": sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}),
        "numpy": os.path.dirname(np.__file__),
        "mapped": sorted(path for path in mapped if path.startswith("/") and os.path.isfile(path))}))


# --- a child: one notebook, one function ----------------------------------------------------

def answer_questions(channel, trusted, cpu_seconds) -> None:
    """The whole life of a child; it never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for stream in (1, 2):  # whatever is printed goes to /dev/null, where 0 already leads
            os.dup2(0, stream)
        try:
            if not trusted or sys.platform == "linux":
                confine.limit_resources(cpu_seconds)
                confine.filter_system_calls()
            send(channel, {"kind": "ready"})
        except (confine.CannotConfine, OSError, ValueError) as error:
            send(channel, {"kind": "unconfined", "message": str(error)})
            if not trusted:
                os._exit(1)
        _, job = receive(channel)
        notebook = Notebook(json.loads(job), channel)
        notebook.run()
        notebook.answer()
    except BaseException:
        pass
    finally:
        os._exit(0)


def send(channel, header, body=b"") -> None:
    """Write one frame to the grader."""
    frame = memoryview(wire.pack(header, body))
    while frame:
        frame = frame[os.write(channel, frame):]


def receive(channel):
    """Read one frame from the grader."""
    def exactly(size):
        data = bytearray()
        while len(data) < size:
            piece = os.read(channel, min(size - len(data), 2**20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)
    return wire.unpack(exactly)


class Notebook:
    """A student's notebook, rerun: its cells statement by statement, then the calls of one function."""

    def __init__(self, job, channel):
        self.cells, self.name, self.driver = job["cells"], job["name"], job["driver"]
        self.left_out = {tuple(place) for place in job["left_out"]}
        self.exercises = job["exercises"]
        self.channel = channel
        self.notes = []  # what went wrong in which cell
        self.ran = {}  # place: a Statement
        self.futures = 0  # `from __future__ import …`, for all that follows
        exec(job["helpers"], HELPERS)
        module = types.ModuleType("__main__")  # classes and pickles look for the module that they name
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        self.namespace.update(np=np, display=StandIn("display"), get_ipython=StandIn("get_ipython"),
                              check=StandIn("check"), hint=StandIn("hint"), progress=StandIn("progress"),
                              input=no_input, exit=sys.exit, quit=sys.exit)
        sys.meta_path.insert(0, StandInFinder())

    def run(self) -> None:
        """Run the cells from top to bottom, then once more what lacked a name defined further down."""
        again = []
        for number, source in enumerate(self.cells):
            for statement, error in self._run_cell(number, source):
                if isinstance(error, NameError):
                    again.append((number, statement))
                elif error is not None:
                    self._note(number, error)
        final = dict(self.namespace)
        for index, (number, statement) in enumerate(again):
            error = self._run_statement(len(self.cells) + index, -1, statement, number)
            self.namespace.update(final)  # what a later cell has defined stands
            if error is not None:
                self._note(number, error)
        self.function = self.namespace.get(self.name)
        if isinstance(self.function, StandIn):
            outcome = {"kind": "refused", "name": self.function._path_.split(".")[-1]}
        elif not callable(self.function):
            outcome = {"kind": "missing", "notes": self.notes[:MAX_NOTES]}
        else:
            outcome = {"kind": "loaded"}
        send(self.channel, {**outcome, "spare": spare(self.ran, self.exercises)[:MAX_SPARE]})

    def _run_cell(self, number, source):
        """Yields each statement that ran, with the exception that it raised or None."""
        if (number, -1) in self.left_out:
            return
        # The grader is told what comes next, so that it knows what to leave out if this never ends.
        send(self.channel, {"kind": "at", "cell": number, "statement": -1})
        try:
            source, statements = parse(source)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            self._note(number, error)
            return
        linecache.cache[f"<cell {number + 1}>"] = (len(source), None, source.splitlines(True), f"<cell {number + 1}>")
        for index, statement in enumerate(statements):
            if (number, index) not in self.left_out:
                yield statement, self._run_statement(number, index, statement, number)

    def _run_statement(self, place, index, statement, cell):
        if (place, index) in self.left_out:
            return None
        send(self.channel, {"kind": "at", "cell": place, "statement": index})
        begin = monotonic()
        try:
            flags = self.futures | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(ast.Module([statement], []), f"<cell {cell + 1}>", "exec", flags, dont_inherit=True)
            self.futures |= code.co_flags & FUTURES
            self.ran[place, index] = Statement(code, isinstance(statement, DEFINITIONS))
            outcome = eval(code, self.namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                finish(outcome)
        except MemoryError:
            os._exit(1)  # start afresh without it: what it filled would starve all that follows
        except BaseException as error:  # a failing statement costs itself alone
            return error
        finally:
            if (place, index) in self.ran:
                self.ran[place, index].seconds = monotonic() - begin
        return None

    def _note(self, number, error):
        self.notes.append(f"Code cell {number + 1}: {describe(error)[0]}: {describe(error)[1]}"[:300])

    def answer(self) -> None:
        """Answer call after call until the grader hangs up."""
        function = self.function
        if self.driver:
            space = {"np": np}
            exec(self.driver["source"], space)
            driver = space[self.driver["name"]]
            function = lambda *arguments: driver(self.function, *arguments)  # noqa: E731
        while True:
            header, body = receive(self.channel)
            arguments = wire.decode(header["arguments"], body, trusted=True)
            try:
                answer = function(*arguments)
                reply, body = wire.encode((answer, arguments))
                reply = {"kind": "answer", "value": reply}
            except OwnSolution as error:
                reply, body = {"kind": "refused", "name": error.args[0]}, b""
            except BaseException as error:
                if isinstance(error, wire.TooLarge):
                    error = ValueError(f"the answer is too large to be judged: {error}")
                kind, message, where = describe(error)
                reply, body = {"kind": "raised", "type": kind, "message": message, "where": where}, b""
            send(self.channel, {**reply, "nonce": header["nonce"]}, body)


def describe(error) -> tuple[str, str, str]:
    """The type, the message and the place of an exception, as plain bounded text."""
    traceback.clear_frames(error.__traceback__)  # what filled the memory must not outlive the error
    try:
        message = str(error)[:1000]
    except BaseException:  # an exception whose __str__ fails
        message = ""
    places = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("<cell ")]
    if not places:
        return type(error).__name__[:100], message, ""
    last = places[-1]
    cell = "code " + last.filename.strip("<>")
    code = (last.line or "").strip()[:200]
    return type(error).__name__[:100], message, f"line {last.lineno} of {cell}" + (f": `{code}`" if code else "")


# --- what the answers depend on -------------------------------------------------------------

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Statement:
    """A statement of the notebook that ran."""

    def __init__(self, code, defines):
        self.code, self.defines = code, defines
        self.seconds = 0.0
        self.binds, self.uses = set(), set()

    def find_names(self) -> None:
        """Find the names that it binds, and those that it, or a function defined in it, uses."""
        inside = [self.code]
        while inside:
            code = inside.pop()
            inside += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
            for step in dis.get_instructions(code):
                if step.opname == "STORE_NAME" and code is self.code or step.opname == "STORE_GLOBAL":
                    self.binds.add(step.argval)
                if step.opname in ("LOAD_NAME", "LOAD_GLOBAL", "STORE_GLOBAL"):
                    self.uses.add(step.argval)


def spare(statements, names) -> list[tuple[int, int]]:
    """The places of slow statements that none of these functions needs, even by way of others.

    A statement is needed that binds a name they use, or that may change a value they use: one that any
    function it calls can reach.
    """
    slow = {place: s for place, s in statements.items() if s.seconds > SLOW and not s.defines}
    if not slow:
        return []
    for statement in statements.values():
        statement.find_names()

    def reached(names):
        found, new = set(), set(names)
        while new:
            found |= new
            new = {used for s in statements.values() if s.binds & new for used in s.uses} - found
        return found

    needed = reached(names)
    values = {name for s in statements.values() if not s.defines for name in s.binds} & needed
    return [place for place, s in slow.items() if not s.binds & needed and not reached(s.uses) & values]


# --- cells: what Jupyter runs and Python cannot ---------------------------------------------

OTHER_LANGUAGES = {"bash", "sh", "script", "html", "HTML", "javascript", "js", "latex", "markdown", "perl", "ruby",
                   "svg", "SVG", "python", "python2", "python3", "pypy", "writefile", "file", "cmd", "R", "sql", "system", "sx", "!"}
MAGIC = re.compile(r"^\s*(%|!|\?)|^\s*[\w., ]+=\s*[%!]|^\s*[\w.]+\?{1,2}\s*$"
                   # what Jupyter takes for a magic without its sign
                   r"|^\s*(pip3?|conda|mamba|uv|cat|cd|cp|ls|ll|man|mkdir|mv|pwd|rm|rmdir|clear|less|more|matplotlib"
                   r"|load_ext|reload_ext|autoreload|timeit|time|who|whos|history|run)\b(?![.(\[])\s*(?![\s=,:])")
TIMED = re.compile(r"^(\s*)%{1,2}(?:time|prun)\s+(?!-)(.+)$")


def parse(source):
    """The source without magics, and its statements: one for each name that is imported. Raises SyntaxError."""
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    cell_magic = re.match(r"%%(\S*)", lines[first].strip())
    if cell_magic:
        if cell_magic[1] in OTHER_LANGUAGES or cell_magic[1].startswith("!"):
            return "", []
        lines[first] = ""  # %%time, %%capture and the like: the cell counts as its body
    while True:
        try:
            source = "\n".join(lines)
            return source, [part for statement in ast.parse(source).body for part in one_by_one(statement)]
        except SyntaxError as error:
            # Only a line that Python does not understand is taken for a magic: `% b` may end a sum.
            near = (error.lineno or 1) - 1
            magics = [i for i, line in enumerate(lines) if MAGIC.search(line)]
            if not magics:
                raise
            index = near if near in magics else magics[0]
            timed = TIMED.match(lines[index])
            indent = re.match(r"\s*", lines[index])[0]
            while not timed and lines[index].rstrip().endswith("\\") and index + 1 < len(lines):
                lines[index] = indent + "pass"
                index += 1  # the magic goes on in the next line
            lines[index] = timed[1] + timed[2] if timed else indent + "pass"


def one_by_one(statement):
    """`import a, b` as two statements, so that a package that is missing does not take the other with it."""
    if isinstance(statement, ast.Import):
        return [ast.copy_location(ast.Import([name]), statement) for name in statement.names]
    return [statement]


def finish(coroutine):
    """Run what a cell awaits to its end; there is no event loop here, so nothing may wait for one."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        pass


def no_input(prompt=""):
    """Takes the place of input()."""
    raise EOFError("input() gets no answer here: nobody sits at the keyboard when a notebook is graded")


# --- stand-ins: what is not there, and does no harm -----------------------------------------

MATHEMATICS = {"layers", "losses", "network", "optimizers", "training", "gradient_check", "autodiff"}


HELPERS = {"np": np}  # the course's forward helpers that the lesson at hand does not ask for, by name


class OwnSolution(Exception):
    """The package's own solution was called; the argument is its name."""


def stand_in(path):
    """What stands in for the thing of this dotted name: a helper of the course, or something without effect."""
    package, *modules, name = path.split(".")
    if package == "backprop_lessons" and len(modules) == 1 and modules[0] in MATHEMATICS and name in HELPERS:
        return HELPERS[name]
    return StandIn(path)


class StandIn:
    """An object that swallows whatever is done with it, under a dotted name."""

    def __init__(self, path):
        object.__setattr__(self, "_path_", path)

    def __getattr__(self, name):
        if name.startswith("__"):  # Python and numpy ask what it is: nothing special
            raise AttributeError(name)
        return stand_in(f"{self._path_}.{name}")

    def __setattr__(self, name, value):
        pass

    def __call__(self, *arguments, **named):
        package, *rest = self._path_.split(".")
        if package == "backprop_lessons" and rest and (rest[0] in MATHEMATICS or "reference" in rest):
            raise OwnSolution(rest[-1])
        if len(arguments) == 1 and not named and isinstance(arguments[0], (types.FunctionType, type)):
            return arguments[0]  # a decorator
        return StandIn(self._path_)

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __iter__(self):
        """As many as `a, b = it` unpacks it into; none for a loop, which has to end."""
        frame = sys._getframe(1)
        operation, count = frame.f_code.co_code[frame.f_lasti:frame.f_lasti + 2]
        return iter([self] * count if dis.opname[operation] in ("UNPACK_SEQUENCE", "UNPACK_EX") else [])

    def __len__(self):
        return 0

    def __bool__(self):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __mro_entries__(self, bases):
        return (object,)


class StandInModule(types.ModuleType):
    """A module of which every attribute is a stand-in."""

    __all__ = []
    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(f"{self.__name__}.{name}")


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for every module of these packages."""

    PACKAGES = {"IPython", "ipywidgets", "matplotlib", "mpl_toolkits", "anywidget", "backprop_lessons"}

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.PACKAGES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandInModule(spec.name)

    def exec_module(self, module):
        pass


if __name__ == "__main__":
    if sys.argv[2] == "--probe":
        probe()
    else:
        serve(socket.socket(fileno=int(sys.argv[2])))
