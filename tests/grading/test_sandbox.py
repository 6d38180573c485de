"""The sandbox: what is inside, what is not, and who may make one."""

import errno
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backprop_lessons.grading import confine, sandbox
from backprop_lessons.grading.remote import RemoteError, Student
from backprop_lessons.grading.sandbox import GradingError, Sandbox


@pytest.fixture(scope="module")
def room(sandbox_is_there):
    """One sandbox for all tests of this file."""
    room = Sandbox()
    yield room
    room.close()


@pytest.fixture
def inside(room):
    """inside(source): the answer of the function f in `source`, run in the sandbox, through JSON."""
    def run(source):
        text = "import json, numpy\ndef told():\n    return numpy.frombuffer(json.dumps(f()).encode(), numpy.uint8)"
        function = Student((source, text), lambda: room, 10.0, ("told",)).load("told")
        try:
            return json.loads(function().tobytes())
        finally:
            function.close()
    return run


def test_no_folder_can_be_written(inside):
    written, folders = inside("""
import os
def f():
    written, folders = [], 0
    for folder, _, _ in os.walk("/"):
        folders += 1
        for make in (os.mkdir, lambda p: open(p, "w"), lambda p: os.symlink("x", p), lambda p: os.mknod(p)):
            try:
                make(os.path.join(folder, "note"))
                written.append(folder)
            except OSError:
                pass
    return written, folders
""")
    assert written == [] and folders > 50


def test_no_file_can_be_changed(inside):
    changed = inside("""
import os, sys
def f():
    changed = []
    for folder, _, files in os.walk("/"):
        for file in files:
            path = os.path.join(folder, file)
            for change in (lambda: open(path, "r+b"), lambda: os.chmod(path, 0o777), lambda: os.unlink(path),
                           lambda: os.utime(path), lambda: os.rename(path, path + "x")):
                try:
                    change()
                    changed.append(path)
                except OSError:
                    pass
    return changed
""")
    assert changed == ["/dev/null"]  # opened for writing, which keeps nothing


def test_what_there_is_to_read(inside):
    top, packages, secrets = inside("""
import os, sys
def f():
    packages = set()
    secrets = []
    for folder, folders, files in os.walk("/"):
        if os.path.basename(folder) in ("site-packages", "dist-packages"):
            packages.update(folders + files)
        secrets += [os.path.join(folder, n) for n in folders + files
                    if n.startswith("backprop") or n in ("digits.npz", "lesson04.py", "passwd", ".ssh", "proc", "sys", "judging.py")]
    return sorted(os.listdir("/")), sorted(packages), secrets
""")
    assert set(packages) <= {"numpy", "numpy.libs"} and secrets == []
    assert {"etc", "home", "proc", "sys", "var", "work"}.isdisjoint(top)


def test_environment_and_identity(inside):
    environment, arguments, uid, name, descriptors = inside("""
import os, sys, platform
def f():
    open_ones = []
    for fd in range(256):
        try:
            os.fstat(fd)
            open_ones.append(fd)
        except OSError:
            pass
    return sorted(os.environ), list(sys.argv), os.getuid(), platform.node(), open_ones
""")
    assert set(environment) <= {*sandbox.ENVIRONMENT, "LD_LIBRARY_PATH", "PWD"}
    assert uid == 65534 and name == "sandbox"
    assert len(descriptors) == 4  # nothing in, nothing out, and the socket of this one child
    assert arguments[0] == "/worker/worker.py"


@pytest.mark.parametrize("call", [
    "os.fork()", "os.kill(os.getppid(), 9)", "os.kill(1, 0)", "os.killpg(0, 9)", "os.memfd_create('x')", "os.pipe()",
    "socket.socket()", "socket.socketpair()", "os.execv(sys.executable, ['x'])", "os.setpgid(0, 0)", "os.nice(1)",
    "os.posix_spawn(sys.executable, ['x'], {})", "os.chroot('/')", "os.setuid(0)", "os.unshare(0)",
    "threading.Thread(target=print).start()", "multiprocessing.shared_memory.SharedMemory(create=True, size=9)",
    "fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())", "fcntl.fcntl(0, 10, 9)", "resource.prlimit(1, resource.RLIMIT_CPU)",
    "fcntl.ioctl(0, 0x5412, b'x')", "os.sched_setaffinity(0, {0})", "os.setpriority(0, 0, 5)", "os.eventfd(0)",
    "resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))", "os.mkfifo('/x')", "os.waitpid(-1, 0)", "ctypes.CDLL(None).reboot(0) + 1 or 1/0",
])
def test_system_calls_that_are_not_allowed_fail(inside, call):
    assert inside(f"""
import ctypes, fcntl, multiprocessing.shared_memory, os, resource, signal, socket, sys, threading
if not hasattr(os, "unshare"):  # before Python 3.12
    os.unshare = lambda flags: os.kill(1, 0)
def f():
    try:
        return repr({call})
    except (OSError, RuntimeError, ValueError, PermissionError, ZeroDivisionError) as error:
        return None
""") is None


@pytest.mark.parametrize("number", [101, 310, 311, 319, 321, 323, 272, 308, 56, 57, 58, 59, 62, 234, 200, 155, 165, 425, 435, 434, 438])
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are numbers of x86_64")
def test_raw_system_calls_that_are_not_allowed_fail(inside, number):
    # ptrace, process_vm_readv/writev, memfd_create, bpf, userfaultfd, unshare, setns, clone, fork, vfork, execve,
    # kill, tgkill, tkill, pivot_root, mount, io_uring_setup, clone3, pidfd_open, pidfd_getfd
    result, error = inside(f"""
import ctypes
def f():
    ctypes.set_errno(0)
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall({number}, 0, 0, 0, 0, 0, 0), ctypes.get_errno()
""")
    assert result == -1 and error in (errno.EPERM, errno.ENOSYS)


def test_what_computing_needs_is_allowed(inside):
    assert inside("""
import bz2, ctypes, datetime, decimal, hashlib, json, os, random, signal, sqlite3, statistics, tempfile, time, zlib
import numpy as np
def f():
    time.sleep(0.01)
    np.linalg.svd(np.random.default_rng(0).normal(size=(60, 60)))
    np.fft.fft(np.ones(64))
    open(os.devnull, "w").write("x")
    signal.setitimer(signal.ITIMER_REAL, 100)
    hashlib.sha256(os.urandom(8)).hexdigest()
    datetime.datetime.now(), os.getcwd(), os.cpu_count(), os.listdir("/")
    return float(decimal.Decimal("0.5")) + random.random() * 0
""") == 0.5


def test_memory_is_bounded(inside):
    with pytest.raises(RemoteError) as caught:
        inside("def f():\n    return len(bytearray(2 * 2**30))")
    assert caught.value.remote_type == "MemoryError"


def descendants(pid):
    """All processes below a process, by the list that the kernel keeps of each one's children."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_nothing_is_left_running(room, inside):
    before = descendants(room._process.pid)
    assert len(before) == 2  # bubblewrap inside and the server
    function = Student(("import os, time\ndef f():\n    while True:\n        try: os.fork()\n        except OSError: pass",),
                       lambda: room, 0.3, ("f",)).load("f")
    with pytest.raises(TimeoutError):
        function()
    assert len(descendants(room._process.pid)) == 3
    function.close()
    assert descendants(room._process.pid) == before


def test_a_sandbox_ends_with_its_thread_and_leaves_no_process(sandbox_is_there):
    room = Sandbox()
    pids = [room._process.pid, *descendants(room._process.pid)]
    room.close()

    def alive(pid):
        try:
            return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return False
    end = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(alive, pids))


def test_one_child_cannot_see_another(room):
    """Two children at once: neither has the other's memory, socket or variables."""
    student = Student(("import builtins\ndef f(x):\n    builtins.seen = getattr(builtins, 'seen', 0) + x\n"
                       "    return builtins.seen",), lambda: room, 5.0, ("f",))
    first, second = student.load("f"), student.load("f")
    assert (first(1), second(10), first(1), second(10)) == (1, 10, 2, 20)
    first.close()
    second.close()


# --- who may make one ------------------------------------------------------------------------

@pytest.mark.parametrize("system, name", [("darwin", "macOS"), ("win32", "Windows")])
def test_other_systems_are_refused_with_a_way_out(monkeypatch, system, name):
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(GradingError, match=rf"(?s){name}.*WSL 2.*Linux container.*--trust-submissions"):
        sandbox.sandbox_command()


def test_other_processors_are_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(GradingError, match="riscv64"):
        sandbox.sandbox_command()


def test_without_bubblewrap_it_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(GradingError, match=r"(?s)apt install bubblewrap.*--trust-submissions"):
        sandbox.sandbox_command()


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is a program for Linux")
def test_a_bubblewrap_that_may_not_is_refused_with_what_to_allow(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(GradingError, match=r"(?s)No permissions to create new namespace.*user namespaces"):
        Sandbox()


def test_an_unfilterable_processor_raises():
    with pytest.raises(confine.CannotConfine, match="mips"):
        confine.filter_program("mips")


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
def test_an_ordinary_user_can_grade(sandbox_is_there):
    ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    paths = [str(Path(sandbox.__file__).parents[2]), sandbox.numpy_parent()]
    start = f"import sys; sys.path[:0] = {paths!r}; import numpy; open(sys.executable).close(); "
    grade = "from backprop_lessons.grading.sandbox import Sandbox; Sandbox().close(); print('made')"
    for python in (os.path.realpath(sys._base_executable), "/usr/bin/python3"):
        command = [*ordinary, python, "-S", "-B", "-c"]
        if subprocess.run([*command, start], capture_output=True, cwd="/").returncode == 0:
            done = subprocess.run([*command, start + grade], capture_output=True, text=True, cwd="/")
            assert done.stdout == "made\n", done.stderr
            return
    pytest.skip("no Python here is readable for an ordinary user")


# --- the filter, run by a small model of the kernel's machine -----------------------------------

def filtered(machine, number, *arguments, architecture=None):
    """What the filter answers to a system call."""
    _, own = confine.MACHINES[machine]
    data = struct.pack("<II8x6Q", number, own if architecture is None else architecture,
                       *arguments, *[0] * (6 - len(arguments)))
    program, at, value = confine.filter_program(machine), 0, 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        if code == confine.LOAD:
            value, = struct.unpack_from("<I", data, operand)
        elif code == confine.RETURN:
            return operand
        else:
            at += yes if (value == operand if code == confine.EQUAL else value >= operand) else no


@pytest.mark.parametrize("column, machine", [(0, "x86_64"), (1, "aarch64")])
def test_the_filter_allows_the_list_and_nothing_else(column, machine):
    allowed = {numbers[column] for numbers in confine.ALLOWED.values()} - {None}
    partly = {numbers[column]: (argument, values) for numbers, argument, values in confine.PARTLY_ALLOWED.values()}
    for number in range(600):
        if number in partly:
            argument, values = partly[number]
            for value in (0, 1, 2, 3, 4, 8, 10, 1030, 0x5401, 0x5412, 2**31):
                answer = filtered(machine, number, *[7] * argument, value)
                assert (answer == confine.ALLOW) == (value in values)
            continue
        expected = confine.ALLOW if number in allowed else confine.UNKNOWN if number >= 424 else confine.DENY
        assert filtered(machine, number) == expected
        assert filtered(machine, number | 0x40000000) != confine.ALLOW  # the same call by x86's third set of numbers
        assert filtered(machine, number, architecture=0x40000003) == confine.KILL  # 32-bit code


@pytest.mark.parametrize("machine, numbers", [
    ("x86_64", {"clone": 56, "fork": 57, "execve": 59, "kill": 62, "ptrace": 101, "prctl": 157, "socket": 41, "sendmsg": 46}),
    ("aarch64", {"clone": 220, "execve": 221, "kill": 129, "ptrace": 117, "prctl": 167, "socket": 198, "sendmsg": 211})])
def test_the_filter_denies_what_reaches_out(machine, numbers):
    assert {name: filtered(machine, number) for name, number in numbers.items()} == dict.fromkeys(numbers, confine.DENY)
