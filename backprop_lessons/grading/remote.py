"""A student's function, as a function here: the code runs in the sandbox, values go back and forth."""

import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field

import numpy as np

from . import wire
from .forward import helpers
from .sandbox import PATIENCE, SandboxLost, no_isolation
from .text import plain

CELLS = 4  # time limits that rerunning the cells may take, all exercises together
ENDLESS_CELLS = 3  # that may take the whole time limit each; from then on the patience is halved each time
MAX_PLACES = 50_000  # that a child may name while it reruns a notebook
MAX_NEWS = 2**16  # bytes of a frame that tells of them
# What an answer may hold, at eight bytes a number: this, or so many times what the arguments do.
ANSWER_BYTES, ANSWER_TIMES = 2**20, 100


class NotAnswered(Exception):
    """An exercise that cannot be asked: the mistake's slug, and a sentence."""

    def __init__(self, slug, message):
        super().__init__(message)
        self.slug = slug


class RemoteError(Exception):
    """What went wrong in the sandbox, as the judge expects it: type, place, and whether that is the end."""

    def __init__(self, kind, message, where="", fatal=False):
        super().__init__(message)
        self.remote_type, self.remote_where, self.fatal = kind, where, fatal


def package_solution(name) -> str:
    return f"calls the package's own {name}; write it yourself"


def total_seconds(time_limit, exercises) -> float:
    """The longest that one submission may take: each exercise's time, and that of four endless cells."""
    return (exercises + CELLS) * time_limit


def said(header, key, limit) -> str:
    """What a frame says under a key, if that is text."""
    text = header.get(key)
    return plain(text, limit) if isinstance(text, str) else ""


@dataclass
class Student:
    """One submission in the sandbox. `load(name)` reruns its cells in a fresh child, to be asked once.

    `sandbox` is called for the sandbox to use: another one when the last was lost. What is charged to the
    student is the time that the grader waits for a child, to begin and end it too, not the time that it judges
    or does other work.
    """

    cells: tuple[str, ...]
    sandbox: object
    time_limit: float
    exercises: tuple[str, ...]  # names of all functions that will be asked for
    left_out: list = field(default_factory=list)  # places (cell, statement) that never ended, or ended all
    notes: list = field(default_factory=list)
    endless: int = 0  # cells that were stopped so far
    seconds: float = 0.0  # that were waited for it so far
    cpu_seconds: float = 0.0

    @property
    def total(self) -> float:
        """Seconds for all of it."""
        return total_seconds(self.time_limit, len(self.exercises))

    def left(self) -> float:
        """Seconds that this submission has left in all. Raises NotAnswered when there are none."""
        if self.seconds >= self.total:
            raise NotAnswered("too-slow", f"The notebook as a whole used up its {self.total:g} seconds.")
        return self.total - self.seconds

    @contextlib.contextmanager
    def waited_for(self):
        """Charge the student the time that the block takes."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - begin

    def load(self, name, driver=None) -> "RemoteFunction":
        """The function `name` of the notebook, ready to be called. Raises NotAnswered."""
        losses = 0
        while True:
            try:
                sandbox = self.sandbox()
                with self.waited_for():
                    child = sandbox.spawn(cpu_seconds=self.total + 1)
            except SandboxLost:
                losses = self._lost(losses)
                continue
            function = RemoteFunction(self, child)
            try:
                self._give(child, {"cells": self.cells, "name": name, "driver": driver, "left_out": self.left_out,
                                   "exercises": self.exercises, "helpers": helpers(self.exercises)})
                if self._rerun(child, name):
                    return function
                function.close()
            except SandboxLost:
                losses = self._lost(losses)
            except BaseException:
                function.close()
                raise

    def _lost(self, losses):
        if losses >= 2:
            raise NotAnswered("raised", "The sandbox broke down three times in a row under this notebook.")
        return losses + 1

    def _give(self, child, job) -> None:
        """Give a child its job. Until then it runs our code alone: what fails here is no student's fault."""
        try:
            header, _ = wire.unpack(child.receiver(PATIENCE), MAX_NEWS, 0)
            if header.get("kind") == "unconfined" and not child.sandbox.trust:
                raise no_isolation(f"{said(header, 'message', 500)}.", "use Linux 3.17 or later, or grade on another "
                                   "machine.")
            child.send(wire.pack({}, json.dumps(job).encode()), PATIENCE)
        except (OSError, EOFError, wire.WireError) as error:
            child.sandbox.lost = True
            raise SandboxLost from error

    def _rerun(self, child, name) -> bool:
        """Follow the child as it reruns the cells; False if it got stuck at a place that is left out from now on."""
        patience = self._patience()
        begin, place, end = self.seconds, (-1, -1), self.seconds + patience
        for _ in range(MAX_PLACES):
            seconds = min(end - self.seconds, self.left())
            try:
                with self.waited_for():
                    header, _ = wire.unpack(child.receiver(max(seconds, 1e-3)), MAX_NEWS, 0)
            except TimeoutError:
                self.left()
                self.endless += 1
                return self._leave_out(place, f"was stopped after {patience:g} s")
            except (OSError, EOFError):
                return self._leave_out(place, "ended its own process or used up the memory")
            except wire.WireError:
                break
            if header.get("kind") != "at":
                self._spare(header.get("spare"), self.seconds - begin)
                return self._loaded(header, name)
            following = header.get("cell"), header.get("statement")
            if not all(type(n) is int and n < MAX_PLACES for n in following) or following <= place:
                break
            if following[0] != place[0]:
                end = self.seconds + patience
            place = following
        raise NotAnswered("raised", "The notebook answered in a way that only tampering can explain.")

    def _patience(self) -> float:
        return max(self.time_limit * min(1.0, 2.0 ** (ENDLESS_CELLS - 1 - self.endless)), min(0.25, self.time_limit))

    def _leave_out(self, place, why) -> bool:
        if place[0] < 0 or place in self.left_out:
            raise NotAnswered("raised", "The process of this notebook ended before it began.")
        self.left_out.append(place)
        cell = f"code cell {place[0] + 1}" if place[0] < len(self.cells) else "a cell"
        self.notes.append(f"{cell} {why} and was left out")
        return False

    def _spare(self, places, seconds) -> None:
        """Leave out what took long and no exercise needs, where the cells take too long to run for each."""
        if seconds * len(self.exercises) <= CELLS * self.time_limit or not isinstance(places, list):
            return
        places = [tuple(place) for place in places if isinstance(place, list) and len(place) == 2 and all(
            type(n) is int and 0 <= n < MAX_PLACES for n in place)]
        if places:
            self.left_out += places
            cells = sorted({cell + 1 for cell, _ in places})
            self.notes.append(f"code cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells[:5]))} took long, "
                              "and ran for the first exercise only")

    def _loaded(self, header, name) -> bool:
        if header.get("kind") == "loaded":
            return True
        if header.get("kind") == "refused":
            raise NotAnswered("package-solution", f"It {package_solution(said(header, 'name', 60))}.")
        notes = header.get("notes")
        notes = [plain(n, 200) for n in notes[:3] if isinstance(n, str)] if isinstance(notes, list) else []
        raise NotAnswered("missing", f"No function named {name} was found in the notebook." + "".join(
            f" {note.rstrip('.')}." for note in [*(n[0].upper() + n[1:] for n in self.notes[:2]), *notes]))


class RemoteFunction:
    """The student's function: called here, run there. It keeps its own time (`keeps_time`)."""

    keeps_time = True

    def __init__(self, student, child):
        self.student, self.child = student, child
        self.seconds = student.time_limit  # for all calls together
        self.refused = None  # a NotAnswered, if what came back is nothing to be judged

    def __call__(self, *arguments):
        """Raises what the student's function raised, TimeoutError, or a fatal RemoteError."""
        nonce = secrets.token_hex(8)
        tree, body = wire.encode(arguments, trusted=True)
        most = max(ANSWER_BYTES, ANSWER_TIMES * len(body)) // 8  # numbers
        before = self.student.seconds
        try:
            seconds = min(self.seconds, self.student.left())
            with self.student.waited_for():
                begin = time.monotonic()
                self.child.send(wire.pack({"nonce": nonce, "arguments": tree}, body), seconds)
                receive = self.child.receiver(seconds - (time.monotonic() - begin))
                header, body = wire.unpack(receive, max_body=min(8 * most, wire.MAX_BODY))
            if header.get("nonce") != nonce:  # sent before it was asked, or by a guess
                raise tampered()
            return self._answer(header, body, arguments, most)
        except (TimeoutError, NotAnswered):
            raise TimeoutError from None
        except (OSError, EOFError):
            raise RemoteError("an end of the whole process", "it was ended by the code itself, or for taking more "
                              "memory or time than is allowed", fatal=True) from None
        except wire.TooLarge as error:
            raise self._refuse("wrong-type", f"The answer is too large to be judged: it holds {plain(error)}, and "
                               "the arguments are small.") from None
        except wire.WireError:
            raise tampered() from None
        finally:
            self.seconds -= self.student.seconds - before

    def _answer(self, header, body, arguments, most):
        kind = header.get("kind")
        if kind == "answer":
            value = wire.decode(header.get("value"), body, max_numbers=most)
            if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], tuple)):
                raise tampered()
            write_back(list(arguments), list(value[1]))
            return value[0]
        if kind == "refused":
            raise self._refuse("package-solution", f"It {package_solution(said(header, 'name', 60))}.")
        if kind != "raised":
            raise tampered()
        name, message = said(header, "type", 60), said(header, "message", 300)
        if name == "NotImplementedError":
            stub = NotImplementedError(message)
            stub.remote_function = said(header, "function", 60)  # this exercise's own, or one that it calls?
            raise stub
        raise RemoteError(name, message, said(header, "where", 200))

    def _refuse(self, slug, message) -> RemoteError:
        """What ends the judging of this exercise; `refused` tells why."""
        self.refused = NotAnswered(slug, message)
        return RemoteError(slug, message, fatal=True)

    def close(self) -> None:
        """End the child. Whatever it left running ends with it."""
        try:
            with self.student.waited_for():
                self.child.kill()
            self.student.cpu_seconds += self.child.cpu_seconds
        except SandboxLost:  # the next spawn finds out
            pass


def tampered() -> RemoteError:
    return RemoteError("a forged reply", "what came back is no answer to what was asked", fatal=True)


def write_back(given, after) -> None:
    """Write what the arguments are after the call into the arguments themselves, wherever it differs."""
    for old, new in zip(given, after):
        if isinstance(old, np.ndarray):
            if isinstance(new, np.ndarray) and new.shape == old.shape and new.dtype == old.dtype:
                old[...] = new
            elif old.size:  # its very form was changed; any other content shows that
                old.flat[0] = not old.flat[0] if old.dtype.kind == "b" else old.flat[0] + 1
        elif isinstance(old, list) and isinstance(new, list):
            write_back(old, new)
            if len(old) != len(new):
                old[:] = new
        elif isinstance(old, tuple) and isinstance(new, tuple):
            write_back(list(old), list(new))
