"""A student's function, as a function here: the code runs in the sandbox, values go back and forth."""

import json
import secrets
import time
from dataclasses import dataclass, field

import numpy as np

from . import wire
from .sandbox import PATIENCE, SandboxLost, no_isolation
from .text import plain

ENDLESS_CELLS = 3  # that may take the whole time limit each; from then on the patience is halved each time
MAX_PLACES = 50_000  # that a child may name while it reruns a notebook
MAX_NEWS = 2**16  # bytes of a frame that tells of them


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
    return f"calls the package's own {plain(name, 60)}; write it yourself"


def total_seconds(time_limit, exercises) -> float:
    """The longest that one submission may take: each exercise's time, and that of four endless cells."""
    return (exercises + 4) * time_limit


@dataclass
class Student:
    """One submission in the sandbox. `load(name)` reruns its cells in a fresh child, to be asked once.

    `sandbox` is called for the sandbox to use: another one when the last was lost.
    """

    cells: tuple[str, ...]
    sandbox: object
    time_limit: float
    exercises: int
    left_out: list = field(default_factory=list)  # places (cell, statement) that never ended, or ended all
    notes: list = field(default_factory=list)
    endless: int = 0  # cells that were stopped so far
    cpu_seconds: float = 0.0

    def __post_init__(self):
        self.end = time.monotonic() + total_seconds(self.time_limit, self.exercises)

    def left(self) -> float:
        """Seconds that this submission has left in all. Raises NotAnswered when there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            total = total_seconds(self.time_limit, self.exercises)
            raise NotAnswered("too-slow", f"The notebook as a whole used up its {total:g} seconds.")
        return left

    def load(self, name, driver=None) -> "RemoteFunction":
        """The function `name` of the notebook, ready to be called. Raises NotAnswered."""
        losses = 0
        while True:
            try:
                child = self.sandbox().spawn(cpu_seconds=total_seconds(self.time_limit, self.exercises) + 1)
            except SandboxLost:
                losses = self._lost(losses)
                continue
            function = RemoteFunction(self, child)
            try:
                self._give(child, {"cells": self.cells, "name": name, "driver": driver, "left_out": self.left_out})
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
                raise no_isolation(f"{plain(header.get('message'))}.", "use Linux 3.17 or later, or grade on another "
                                   "machine.")
            child.send(wire.pack({}, json.dumps(job).encode()), PATIENCE)
        except (OSError, EOFError, wire.WireError) as error:
            child.sandbox.lost = True
            raise SandboxLost from error

    def _rerun(self, child, name) -> bool:
        """Follow the child as it reruns the cells; False if it got stuck at a place that is left out from now on."""
        patience = self._patience()
        place, end = (-1, -1), time.monotonic() + patience
        for _ in range(MAX_PLACES):
            seconds = min(end - time.monotonic(), self.left())
            try:
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
                return self._loaded(header, name)
            following = header.get("cell"), header.get("statement")
            if not all(type(n) is int and n < MAX_PLACES for n in following) or following <= place:
                break
            if following[0] != place[0]:
                end = time.monotonic() + patience
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

    def _loaded(self, header, name) -> bool:
        if header.get("kind") == "loaded":
            return True
        if header.get("kind") == "refused":
            raise NotAnswered("package-solution", f"It {package_solution(header.get('name'))}.")
        notes = header.get("notes")
        notes = [plain(n, 200) for n in notes[:3]] if isinstance(notes, list) else []
        raise NotAnswered("missing", f"No function named {name} was found in the notebook." + "".join(
            f" {note.rstrip('.')}." for note in [*(n[0].upper() + n[1:] for n in self.notes[:2]), *notes]))


class RemoteFunction:
    """The student's function: called here, run there. It keeps its own time (`keeps_time`)."""

    keeps_time = True

    def __init__(self, student, child):
        self.student, self.child = student, child
        self.seconds = student.time_limit  # for all calls together
        self.refused = None  # the name of the package's own solution, if that was called
        self.status = None

    def __call__(self, *arguments):
        """Raises what the student's function raised, TimeoutError, or a fatal RemoteError."""
        nonce = secrets.token_hex(8)
        tree, body = wire.encode(arguments, trusted=True)
        begin = time.monotonic()
        try:
            seconds = min(self.seconds, self.student.left())
            self.child.send(wire.pack({"nonce": nonce, "arguments": tree}, body), seconds)
            header, body = wire.unpack(self.child.receiver(seconds - (time.monotonic() - begin)))
        except (TimeoutError, NotAnswered):
            raise TimeoutError from None
        except (OSError, EOFError):
            raise RemoteError("an end of the whole process", "it was ended by the code itself, or for taking more "
                              "memory or time than is allowed", fatal=True) from None
        except wire.TooLarge as error:
            raise RemoteError("an answer too large to be judged", plain(error), fatal=True) from None
        except wire.WireError:
            raise tampered() from None
        finally:
            self.seconds -= time.monotonic() - begin
        if header.get("nonce") != nonce:  # sent before it was asked, or by a guess
            raise tampered()
        return self._answer(header, body, arguments)

    def _answer(self, header, body, arguments):
        kind = header.get("kind")
        if kind == "answer":
            try:
                value = wire.decode(header.get("value"), body)
            except wire.WireError:
                raise tampered() from None
            if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], tuple)):
                raise tampered()
            write_back(list(arguments), list(value[1]))
            return value[0]
        if kind == "refused":
            self.refused = str(header.get("name"))
            raise RemoteError("PackageSolution", package_solution(self.refused), fatal=True)
        if kind != "raised":
            raise tampered()
        name, message = plain(header.get("type"), 60), plain(header.get("message"), 300)
        if name == "NotImplementedError":
            raise NotImplementedError(message)
        raise RemoteError(name, message, plain(header.get("where"), 200))

    def close(self) -> None:
        """End the child. Whatever it left running ends with it."""
        try:
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
