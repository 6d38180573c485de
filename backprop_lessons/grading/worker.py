"""The process inside the sandbox: it waits, clean and with numpy imported, and forks for each question.

Each child of it confines itself, runs the cells of one notebook, and answers calls of one function
on a socket of its own. It holds nothing worth stealing: no reference, no input not yet asked. All
that it says may be forged by the student's code, so the grader believes nothing but the values.

Run as `python -P -s -S -B worker.py NUMPY_PARENT CONTROL_FD`, or with `--probe` in place of the number to
print which files it needs. It imports the standard library, numpy and its neighbours alone.
"""

import __future__

import ast
import gc
import inspect
import json
import linecache
import os
import random
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
from cells import DEFINITIONS, Statement, finish, parse, spare  # noqa: E402
from standins import HELPERS, OwnSolution, StandIn, StandInFinder, no_input  # noqa: E402

MAX_NOTES = 5  # as many as can be told in a message, and in one frame
FUTURE = __future__.annotations.compiler_flag  # the one future that is not everywhere yet
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
        self.future = 0  # FUTURE from the statement on that imports it
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
            flags = self.future | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(ast.Module([statement], []), f"<cell {cell + 1}>", "exec", flags, dont_inherit=True)
            self.future |= code.co_flags & FUTURE
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
                kind, message, where, function_name = describe(error)
                reply, body = {"kind": "raised", "type": kind, "message": message, "where": where,
                               "function": function_name}, b""
            send(self.channel, {**reply, "nonce": header["nonce"]}, body)


def describe(error) -> tuple[str, str, str, str]:
    """The type, the message, the place and the function of an exception, as plain bounded text."""
    traceback.clear_frames(error.__traceback__)  # what filled the memory must not outlive the error
    try:
        message = str(error)[:1000]
    except BaseException:  # an exception whose __str__ fails
        message = ""
    places = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("<cell ")]
    if not places:
        return type(error).__name__[:100], message, "", ""
    last = places[-1]
    cell = "code " + last.filename.strip("<>")
    code = (last.line or "").strip()[:200]
    where = f"line {last.lineno} of {cell}" + (f": `{code}`" if code else "")
    return type(error).__name__[:100], message, where, last.name[:100]


if __name__ == "__main__":
    if sys.argv[2] == "--probe":
        probe()
    else:
        serve(socket.socket(fileno=int(sys.argv[2])))
