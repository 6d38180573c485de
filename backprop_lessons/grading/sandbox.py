"""A closed room for code that nobody has read: a bubblewrap sandbox with a server process inside.

`Sandbox()` starts it; `sandbox.spawn()` makes a fresh child in it, with a socket of its own to the
grader; `child.kill()` ends that child. What is in the room: the Python runtime, numpy, the libraries
that these two load, and five files of ours, all read-only. No network, no /proc, no file or folder
that can be written, no environment, none of the course.

Start a sandbox from a thread that lives as long as it: the kernel ends it with that thread.
"""

import contextlib
import functools
import json
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
WORKER_FILES = ("worker.py", "confine.py", "wire.py", "cells.py", "standins.py")
NOBODY = "65534"
PATIENCE = 30.0  # seconds for the server itself, which is ours, to start or to answer
# What has come in time is read even if this process, busy with another student, comes late to it.
GRACE = 1.0
MASKED = ("site-packages", "dist-packages")  # inside the standard library's folder, on most systems
# One thread: the sandbox allows no more, and fair times need no more.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
               "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}


class GradingError(Exception):
    """Grading cannot go on; the message tells the instructor why and what to do."""


class SandboxLost(Exception):
    """The server in the sandbox is gone; a new sandbox is needed."""


INSTALL = """\
Grading runs code that nobody has read, so it needs a sandbox, and none is to be had here: {why}
What to do: {advice}
The way past, only for notebooks that you would run on your own account: --trust-submissions."""


def no_isolation(why, advice) -> GradingError:
    return GradingError(INSTALL.format(why=why, advice=advice))


class Sandbox:
    """The room and the server in it. Raises GradingError where no isolation is to be had.

    With `trust=True` the same server runs in the open: for submissions that the instructor trusts.
    """

    def __init__(self, trust=False):
        command = open_command() if trust else sandbox_command()
        self.trust = trust
        self.lost = False
        self._control, theirs = socket.socketpair()
        self._control.settimeout(PATIENCE)
        self._errors = tempfile.TemporaryFile()
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=self._errors, env=clean_environment(), start_new_session=True)
        self.close = weakref.finalize(self, _end, self._process, self._control, self._errors)
        try:
            if self._line() != "ready":
                raise SandboxLost
        except SandboxLost:
            raise self._failed_to_start() from None

    def spawn(self, cpu_seconds) -> "Child":
        """A fresh child that waits for its job. Raises SandboxLost."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._control, [f"spawn {int(self.trust)} {int(cpu_seconds)}\n".encode()],
                                [theirs.fileno()])
            return Child(self, ours, int(self._line()))
        except (OSError, ValueError, SandboxLost) as error:
            ours.close()
            self.lost = True
            raise SandboxLost from error

    def kill(self, pid) -> tuple[int, float]:
        """End a child for good: its exit status and the CPU seconds it took. Raises SandboxLost."""
        try:
            self._control.sendall(f"kill {pid}\n".encode())
            status, cpu_seconds = self._line().split()
            return int(status), float(cpu_seconds)
        except (OSError, ValueError, SandboxLost) as error:
            self.lost = True
            raise SandboxLost from error

    def _line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            try:
                piece = self._control.recv(100)
            except OSError as error:
                raise SandboxLost from error
            if not piece:
                raise SandboxLost
            line += piece
        return line.decode().strip()

    def _failed_to_start(self) -> GradingError:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read(2000).decode(errors="replace").strip() or "it said nothing"
        self.close()
        if self.trust:
            return GradingError(f"The grading process did not start: {said}")
        if said.startswith("bwrap:"):
            return no_isolation(f"bubblewrap is installed but may not make a sandbox ({said}).", (
                "allow unprivileged user namespaces. On Ubuntu 24.04 and later: "
                "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`. In a container: start it with "
                "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`, or use a virtual machine."))
        return no_isolation(f"the process in it did not start ({said.splitlines()[-1]}).",
                            "report this with the output of `bwrap --version` and `python -VV`.")


@dataclass
class Child:
    """One fork of the clean server, and the grader's end of its socket."""

    sandbox: Sandbox
    channel: socket.socket
    pid: int
    cpu_seconds: float = field(default=0.0, init=False)

    def send(self, frame, seconds) -> None:
        """Send one frame. Raises TimeoutError, or OSError when the child has hung up."""
        self.channel.settimeout(max(seconds, 1e-3))
        self.channel.sendall(frame)

    def receiver(self, seconds):
        """A function receive(n) that reads exactly n bytes, for `wire.unpack`, all before the time is up.

        It raises TimeoutError, or EOFError when the child has hung up.
        """
        end = time.monotonic() + seconds

        def receive(size):
            data = bytearray(size)
            view = memoryview(data)
            while view:
                left = end - time.monotonic()
                if left < -GRACE:
                    raise TimeoutError
                self.channel.settimeout(max(left, 1e-3))
                count = self.channel.recv_into(view)
                if not count:
                    raise EOFError
                view = view[count:]
            return bytes(data)

        return receive

    def kill(self) -> int:
        """End the child for good; its exit status as `os.wait` gives it. Raises SandboxLost."""
        self.channel.close()
        status, self.cpu_seconds = self.sandbox.kill(self.pid)
        return status


def _end(process, control, errors):
    control.close()  # the server inside sees this and goes; then bubblewrap does
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    errors.close()


# --- how the room is furnished --------------------------------------------------------------

def python_command() -> list[str]:
    """The interpreter itself, not a virtual environment's link to it: clean of user and site folders."""
    return [os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable), "-P", "-s", "-S", "-B"]


def clean_environment() -> dict[str, str]:
    """Nothing of the host's but where some Pythons need to look for their libraries."""
    found = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return ENVIRONMENT | found


def numpy_parent() -> str:
    """The folder that holds the numpy of this process."""
    return str(Path(np.__file__).resolve().parent.parent)


def open_command() -> list[str]:
    """The server without a sandbox."""
    if not hasattr(os, "fork"):
        raise GradingError("Grading needs a system that can fork processes, and Windows cannot. Run the same command "
                           "in WSL 2 (`wsl --install`) or in a Linux container.")
    return [*python_command(), str(HERE / "worker.py"), numpy_parent()]


def sandbox_command() -> list[str]:
    """bubblewrap and the server in it. Raises GradingError where no isolation is to be had."""
    if sys.platform != "linux":
        system = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
        raise no_isolation(f"it is made by Linux, and this is {system}.",
                           "run the same command in WSL 2 (`wsl --install`) on Windows, or in a Linux container "
                           "or virtual machine on macOS; install bubblewrap there.")
    if platform.machine() not in ("x86_64", "aarch64"):
        raise no_isolation(f"it is known for processors of type x86_64 and aarch64, and this is {platform.machine()}.",
                           "grade on another machine.")
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        raise no_isolation("the program bwrap is not installed.",
                           "`sudo apt install bubblewrap` (Debian, Ubuntu), `sudo dnf install bubblewrap` (Fedora).")
    return [bubblewrap, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session",
            "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL", "--hostname", "sandbox", *furniture()]


@functools.lru_cache(maxsize=1)
def furniture() -> tuple[str, ...]:
    """The arguments for bubblewrap that say what is to be seen inside, and the command to run there."""
    python = python_command()
    found = subprocess.run([*python, str(HERE / "worker.py"), numpy_parent(), "--probe"], capture_output=True,
                           text=True, env=clean_environment(), timeout=2 * PATIENCE)
    if found.returncode:
        raise GradingError(f"The grading process cannot start with {python[0]}: {found.stderr.strip()[-500:]}")
    needs = json.loads(found.stdout)

    binds, masks = [], []
    for folder in needs["standard_library"]:
        binds += ["--ro-bind", os.path.realpath(folder), folder]
        masks += [os.path.join(folder, name) for name in MASKED if os.path.isdir(os.path.join(folder, name))]
    # Not the folders of installed packages: with them would come the course, its references, its labels.
    binds += [argument for mask in masks for argument in ("--tmpfs", mask)]
    folders = [*needs["standard_library"], needs["numpy"]]
    libraries = Path(needs["numpy"]).with_name("numpy.libs")
    folders += [str(libraries)] if libraries.is_dir() else []
    for folder in folders[len(needs["standard_library"]):]:
        binds += ["--ro-bind", folder, folder]

    places = []
    for path in needs["mapped"]:
        if any(Path(path).is_relative_to(folder) for folder in folders):
            continue
        for name in names_of(path):
            binds += ["--ro-bind", path, name]
        places.append(os.path.dirname(path))
    loader = interpreter_of(python[0])
    if loader:  # the one name that is written into the program itself
        binds += ["--ro-bind", os.path.realpath(loader), loader]
    for name in WORKER_FILES:
        binds += ["--ro-bind", str(HERE / name), f"/worker/{name}"]
    binds += ["--dev-bind", "/dev/null", "/dev/null"]
    for mount in [*masks, "/"]:  # last: from here on nothing can be written anywhere
        binds += ["--remount-ro", mount]

    return ("--setenv", "LD_LIBRARY_PATH", ":".join(dict.fromkeys(places)), *binds,
            "--chdir", "/", "--", *python, "/worker/worker.py", numpy_parent())


def names_of(path) -> list[str]:
    """The names that a library has in its folder: programs ask for libz.so.1, a link to libz.so.1.2.13."""
    folder = os.path.dirname(path)
    stem = os.path.basename(path).split(".so")[0]
    with contextlib.suppress(OSError):
        return [path] + [entry.path for entry in os.scandir(folder) if entry.is_symlink()
                         and entry.name.startswith(stem.split("-")[0]) and os.path.realpath(entry.path) == path]
    return [path]


def interpreter_of(program) -> str | None:
    """The dynamic loader that an ELF program asks for (PT_INTERP), by the path written in it."""
    with open(program, "rb") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02":
            return None
        table, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        for index in range(count):
            file.seek(table + index * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 3:
                file.seek(offset)
                return file.read(length).rstrip(b"\0").decode()
    return None
