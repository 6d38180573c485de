"""The last lock on the sandbox: limits of resources and a filter of system calls.

The process that is about to run a student's code puts both on itself; neither can be taken off
again. The filter is an allow-list, written as the small programs that the Linux kernel runs for
each system call (seccomp, man 2 seccomp). What computing with numpy and importing modules needs is
allowed. Not allowed, among all else: new processes and threads, signals, sockets, shared memory,
other processes' memory, the owner of a file's signals.

It imports the standard library alone, since it also runs inside the sandbox.
"""

import ctypes
import errno
import platform
import resource
import struct

MEMORY = 2**30  # bytes of address space
OPEN_FILES = 64

# name: (number on x86_64, number on aarch64); None where the machine has no such call
ALLOWED = {
    # reading files, and writing to what is open already (the file system itself is read-only)
    "read": (0, 63), "write": (1, 64), "open": (2, None), "close": (3, 57), "stat": (4, None),
    "fstat": (5, 80), "lstat": (6, None), "lseek": (8, 62), "pread64": (17, 67), "readv": (19, 65),
    "writev": (20, 66), "access": (21, None), "dup": (32, 23), "getcwd": (79, 17),
    "readlink": (89, None), "getdents64": (217, 61), "openat": (257, 56), "newfstatat": (262, 79),
    "readlinkat": (267, 78), "faccessat": (269, 48), "statx": (332, 291),
    # memory
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "mremap": (25, 216),
    "madvise": (28, 233),
    # its own signal handlers and timers
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132), "alarm": (37, None), "getitimer": (36, 102), "setitimer": (38, 103),
    # time and waiting
    "poll": (7, None), "select": (23, None), "pselect6": (270, 72), "ppoll": (271, 73),
    "sched_yield": (24, 124), "nanosleep": (35, 101), "gettimeofday": (96, 169), "times": (100, 153),
    "time": (201, None), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "futex": (202, 98),
    # what it is and what it has used
    "getpid": (39, 172), "getuid": (102, 174), "getgid": (104, 176), "geteuid": (107, 175),
    "getegid": (108, 177), "gettid": (186, 178), "uname": (63, 160), "getrlimit": (97, 163),
    "getrusage": (98, 165), "sysinfo": (99, 179), "sched_getaffinity": (204, 123), "getrandom": (318, 278),
    # the end
    "exit": (60, 93), "exit_group": (231, 94),
}
# Allowed only where one argument has one of these values: the argument's index, the values.
PARTLY_ALLOWED = {
    "prlimit64": ((302, 261), 0, (0,)),  # pid 0: oneself
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 1030)),  # duplicate, read and set flags; no owner, no signals
    "ioctl": ((16, 29), 1, (0x5401, 0x5413, 0x5450, 0x5451)),  # is it a terminal, how wide; close on exec
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
FIRST_MODERN = 424  # from here on numbers are the same everywhere; C libraries expect ENOSYS of the unknown

LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load word, jump if =, jump if ≥, return
ALLOW, DENY, UNKNOWN, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x80000000
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data


class CannotConfine(Exception):
    """This machine cannot be locked the way that we know."""


def filter_program(machine) -> list[tuple[int, int, int, int]]:
    """The filter as instructions (code, jump if true, jump if false, operand). Raises CannotConfine."""
    if machine not in MACHINES:
        raise CannotConfine(f"the filter of system calls is known for {' and '.join(MACHINES)}, not for {machine}")
    column, architecture = MACHINES[machine]
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    for numbers in ALLOWED.values():
        if numbers[column] is not None:
            program += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ALLOW)]
    for numbers, argument, values in PARTLY_ALLOWED.values():
        # The kernel takes these arguments as 32 bits: the low half of a little-endian 64.
        block = [(LOAD, 0, 0, ARGUMENTS + 8 * argument)]
        for value in values:
            block += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
        block.append((RETURN, 0, 0, DENY))
        program += [(EQUAL, 0, len(block), numbers[column]), *block]
    return program + [(AT_LEAST, 0, 1, FIRST_MODERN), (RETURN, 0, 0, UNKNOWN), (RETURN, 0, 0, DENY)]


def limit_resources(cpu_seconds) -> None:
    """Bound memory, processor time, files. No limit can be raised again."""
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, cpu_seconds),
                       (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, OPEN_FILES)):
        resource.setrlimit(kind, (most, most))


def filter_system_calls() -> None:
    """Allow this process nothing but the calls above, for good. Raises CannotConfine."""
    program = b"".join(struct.pack("HBBI", *step) for step in filter_program(platform.machine()))
    code = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    set_no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    pointer = ctypes.byref(Program(len(program) // 8, ctypes.addressof(code)))
    if prctl(set_no_new_privileges, *map(ctypes.c_ulong, (1, 0, 0, 0))) or prctl(
            set_seccomp, ctypes.c_ulong(mode_filter), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)):
        raise CannotConfine(f"the kernel refused the filter of system calls ({errno.errorcode[ctypes.get_errno()]})")
