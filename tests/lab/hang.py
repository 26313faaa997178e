"""Makes a process hang for real, by ptrace: its code at the place where it is becomes an endless loop, or a
wait that nobody ends. What SIGSTOP does, its parent is told; of this nobody is."""

import ctypes
import os
import platform

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_PEEKUSER, _ATTACH, _DETACH = 3, 16, 17
_RIP = 16 * 8  # in struct user_regs_struct of x86-64

# jmp .
BUSY = b"\xeb\xfe"


def can_hang():
    return platform.machine() == "x86_64"


def hang(pid, code=BUSY):
    """The main thread of `pid` runs `code`, and nothing else any more."""
    _ptrace(_ATTACH, pid)
    os.waitpid(pid, 0x40000000)  # __WALL
    place = _libc.ptrace(_PEEKUSER, pid, _RIP, None) & (2**64 - 1)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(place)
        memory.write(code)
    _ptrace(_DETACH, pid)


def _ptrace(request, pid):
    if _libc.ptrace(request, pid, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
