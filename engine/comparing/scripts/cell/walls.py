"""Locks this process in, wall by wall, with what the kernel has; says of each wall whether it stands.

One wall is enough to keep a script from files, network and other processes: the filter of system calls (seccomp).
The others stand behind it, should it have a hole: Landlock (no files, no TCP, no signals), namespaces (a network
without an interface), an empty root directory, a user without rights, and limits. Constants are those of ``linux/prctl.h``,
``linux/landlock.h`` (rights by ABI 1–6), ``linux/sched.h`` and ``linux/capability.h``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Callable, Sequence

from . import calls

if sys.platform != "win32":  # where nothing is locked in, and only the forms of declared checks are looked at
    import resource

WALLS = (
    "namespaces",
    "empty_root",
    "nobody",
    "no_capabilities",
    "ends_with_parent",
    "no_new_privileges",
    "landlock",
    "limits",
    "seccomp",
)
"""In the order in which they are built: each needs what the later ones take away."""
INDISPENSABLE = "seccomp"

_NOBODY = 65_534
_NEW_USER, _NEW_IPC, _NEW_NET = 0x10000000, 0x08000000, 0x40000000
_PDEATHSIG, _SET_SECCOMP, _NO_NEW_PRIVS = 1, 22, 38
_CREATE_RULESET, _RESTRICT_SELF, _ASK_VERSION = 444, 446, 1
_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}


def lock(results: int, *, memory: int, seconds: float, which: Sequence[str] = WALLS) -> dict[str, str]:
    """Build every wall that can be built around this process, for good.

    Args:
        results: file descriptor that stays writable.
        memory: bytes it may take in addition to what it has.
        seconds: of processor time.
        which: to build, of ``WALLS`` and in their order.

    Returns:
        By wall, why it does not stand; empty where it does.
    """
    was_root = os.geteuid() == 0
    taken = _taken()  # while there is a /proc to say so
    kernel = ctypes.CDLL(None, use_errno=True)
    builders: dict[str, Callable[[], object]] = {
        "namespaces": lambda: _namespaces(kernel),
        "empty_root": _empty_root,
        "nobody": _nobody if was_root else lambda: None,
        "no_capabilities": lambda: _no_capabilities(kernel),
        "ends_with_parent": lambda: _asked(kernel.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)),
        "no_new_privileges": lambda: _asked(kernel.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)),
        "landlock": lambda: _landlock(kernel),
        "limits": lambda: _limits(taken + memory, seconds),
        "seccomp": lambda: _seccomp(kernel, results),
    }
    return {wall: _why_not(builders[wall]) for wall in which}


def _why_not(build: Callable[[], object]) -> str:
    try:
        build()
    except OSError as error:
        return error.strerror or str(error)
    except (AttributeError, KeyError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _asked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def _namespaces(kernel: ctypes.CDLL) -> None:
    if kernel.unshare(_NEW_IPC | _NEW_NET) < 0:  # root's alone, but anybody is root in a namespace of users
        _asked(kernel.unshare(_NEW_USER | _NEW_IPC | _NEW_NET))


def _empty_root() -> None:
    os.chroot(".")
    os.chdir("/")


def _nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _no_capabilities(kernel: ctypes.CDLL) -> None:
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _asked(kernel.syscall(_CAPSET[os.uname().machine], header, ctypes.create_string_buffer(24)))


def _landlock(kernel: ctypes.CDLL) -> None:
    version = _asked(kernel.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))
    files = (1 << (13 + sum(version >= since for since in (2, 3, 5)))) - 1  # + refer, truncate, ioctl on devices
    rights = [files]
    if version >= 4:
        rights.append(0b11)  # bind and connect, TCP
    if version >= 6:
        rights.append(0b11)  # abstract sockets and signals, outside its own domain
    ruleset = ctypes.create_string_buffer(struct.pack(f"={len(rights)}Q", *rights))
    # Nothing is ever added to the rules: whatever they handle is denied.
    rules = _asked(kernel.syscall(_CREATE_RULESET, ruleset, 8 * len(rights), 0))
    try:
        _asked(kernel.syscall(_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _taken() -> int:
    """Bytes of address space this process has."""
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return 64 * 2**20
    pages = int(os.read(file, 100).split()[0])
    os.close(file)
    return pages * resource.getpagesize()


def _limits(memory: int, seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds + 5)  # should nobody be there any more to stop it
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: int(seconds) + 2,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _seccomp(kernel: ctypes.CDLL, results: int) -> None:
    steps = calls.program(os.uname().machine, results=results, pid=os.getpid())
    code = ctypes.create_string_buffer(calls.assembled(steps))
    # struct sock_fprog: a count, and after padding the address.
    header = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    _asked(kernel.prctl(_SET_SECCOMP, 2, header, 0, 0))
