"""Which system calls a locked process may still make, written as a program for the kernel.

A locked process computes: it allocates memory, tells the time, writes to the one pipe its results go through, and ends.
Whatever else it asks of the kernel ends it. The program is classic BPF over ``struct seccomp_data`` (number, architecture,
instruction pointer, six 64-bit arguments), as ``linux/seccomp.h``, ``linux/filter.h`` and the kernel's
``userspace-api/seccomp_filter`` describe it; numbers are those of ``asm/unistd_64.h`` and ``asm-generic/unistd.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""``AUDIT_ARCH_*`` by what ``os.uname`` calls the machine."""

ALLOWED: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        "brk": 12,
        "clock_getres": 229,
        "clock_gettime": 228,
        "exit": 60,
        "exit_group": 231,
        "futex": 202,
        "getpid": 39,
        "getrandom": 318,
        "gettid": 186,
        "gettimeofday": 96,
        "madvise": 28,
        "mmap": 9,
        "mprotect": 10,
        "mremap": 25,
        "munmap": 11,
        "restart_syscall": 219,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "tgkill": 234,
        "time": 201,
        "write": 1,
    },
    "aarch64": {
        "brk": 214,
        "clock_getres": 114,
        "clock_gettime": 113,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "getpid": 172,
        "getrandom": 278,
        "gettid": 178,
        "gettimeofday": 169,
        "madvise": 233,
        "mmap": 222,
        "mprotect": 226,
        "mremap": 216,
        "munmap": 215,
        "restart_syscall": 128,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "tgkill": 131,
        "write": 64,
    },
}

OPEN = {"x86_64": (2, 257), "aarch64": (56,)}
"""``open`` and ``openat``. They are answered with "no permission" instead: Python looks for the line of a syntax error on the disk, even if it was on none."""

KILL, REFUSE, ALLOW = 0x80000000, 0x0005000D, 0x7FFF0000  # SECCOMP_RET_KILL_PROCESS, …_ERRNO with EACCES, …_ALLOW
_LOAD, _RETURN = 0x20, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_RET | BPF_K
_EQUAL, _ANY_BIT = 0x15, 0x45  # BPF_JMP | BPF_K | BPF_JEQ, … | BPF_JSET
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets into struct seccomp_data
_PROT_EXEC, _MAP_ANONYMOUS = 0x4, 0x20

Instruction = tuple[int, int, int, int]
"""Code, how far to jump if true, how far if false, constant."""


Condition = tuple[int, str, int]
"""An argument (its low half, which is all these calls look at), ``equals``, ``has`` or ``lacks``, and what: a value or bits."""


def program(machine: str, *, results: int, pid: int) -> tuple[Instruction, ...]:
    """The filter for a process that may write to file descriptor ``results`` and signal only itself, ``pid``.

    Raises:
        KeyError: nothing is known of this machine's architecture.
    """
    # Memory that can be executed would be a way to call the kernel with forged arguments; a file mapped is a file read.
    conditions: dict[str, tuple[Condition, ...]] = {
        "mmap": ((2, "lacks", _PROT_EXEC), (3, "has", _MAP_ANONYMOUS)),
        "mprotect": ((2, "lacks", _PROT_EXEC),),
        "tgkill": ((0, "equals", pid),),  # how abort() ends a process
        "write": ((0, "equals", results),),
    }
    steps: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),  # i386 calls on x86_64 have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, number in ALLOWED[machine].items():
        steps += _one_call(number, conditions.get(name, ()))
    for number in OPEN[machine]:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, REFUSE)]
    return (*steps, (_RETURN, 0, 0, KILL))


def _one_call(number: int, conditions: Sequence[Condition]) -> list[Instruction]:
    body: list[Instruction] = []
    for argument, relation, value in conditions:
        code = _EQUAL if relation == "equals" else _ANY_BIT
        good, bad = (0, 1) if relation == "lacks" else (1, 0)
        # Little-endian: the low half comes first.
        body += [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), (code, good, bad, value), (_RETURN, 0, 0, KILL)]
    body.append((_RETURN, 0, 0, ALLOW))
    return [(_EQUAL, 0, len(body), number), *body]


def assembled(steps: Sequence[Instruction]) -> bytes:
    """As the kernel reads it: ``struct sock_filter`` after ``struct sock_filter``."""
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
