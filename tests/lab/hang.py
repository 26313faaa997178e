"""Makes a process hang for real, by ptrace: its code at the place where it is becomes an endless loop, or a
wait that nobody ends. What SIGSTOP does, its parent is told; of this nobody is."""

import contextlib
import ctypes
import os
import platform
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_PEEKUSER, _POKEUSER, _ATTACH, _DETACH = 3, 6, 16, 17
_ORIG_RAX, _RIP = 15 * 8, 16 * 8  # in struct user_regs_struct of x86-64
_SELECT = "270"  # pselect6

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


@contextlib.contextmanager
def held(pid):
    """The main thread of `pid` does nothing while the context lasts, and goes on then."""
    _ptrace(_ATTACH, pid)
    os.waitpid(pid, 0x40000000)  # __WALL
    try:
        yield
    finally:
        _ptrace(_DETACH, pid)


def hang_thread(thread):
    """That thread of a process is busy with nothing from now on; the others run on. It is sent to the
    program's entry point, where nobody else comes by."""
    _ptrace(_ATTACH, thread)
    os.waitpid(thread, 0x40000000)  # __WALL
    place = _entry_point(thread)
    with open(f"/proc/{thread}/mem", "r+b", buffering=0) as memory:
        memory.seek(place)
        memory.write(BUSY)
    _ptrace(_POKEUSER, thread, _ORIG_RAX, 2**64 - 1)  # no system call to begin again
    _ptrace(_POKEUSER, thread, _RIP, place)
    _ptrace(_DETACH, thread)


def threads_in_select(pid):
    """The threads of `pid` that wait in select()."""
    found = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/syscall") as call:
            if call.read().split()[0] == _SELECT:
                found.add(int(thread))
    return found


def _entry_point(pid):
    with open(f"/proc/{pid}/exe", "rb") as program:
        head = program.read(64)
    entry, = struct.unpack_from("<Q", head, 24)
    program = os.readlink(f"/proc/{pid}/exe")
    is_fixed = struct.unpack_from("<H", head, 16)[0] == 2  # ET_EXEC
    with open(f"/proc/{pid}/maps") as maps:
        base = next(int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith(program))
    return entry if is_fixed else base + entry


def _ptrace(request, pid, place=None, value=None):
    if _libc.ptrace(request, pid, place, value) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
