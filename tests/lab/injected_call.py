"""Has a running process make a system call of our choosing, as if an attacker had taken it over: by ptrace(2), from
outside. It stands in an x86-64 process that waits in a system call."""

import contextlib
import ctypes
import errno
import os
import platform
import signal

from namespace import wait_until

# asm/unistd_64.h
CALLS = {"getpid": 39, "socket": 41, "execve": 59, "kill": 62, "ptrace": 101, "openat": 257}
POSSIBLE = platform.machine() == "x86_64"

_ATTACH, _DETACH, _CONTINUE, _STEP, _GET_REGISTERS, _SET_REGISTERS = 16, 17, 7, 9, 12, 13
_ALL_THREADS = 0x40000000  # __WALL
# sys/user.h, struct user_regs_struct
_REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base "
              "ds es fs gs").split()


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in _REGISTERS]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, pid, data=None):
    if _libc.ptrace(request, pid, None, data) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace {request}: {os.strerror(error)}")


def _wait(pid):
    return os.waitpid(pid, _ALL_THREADS)[1]


def _waits(pid, registers):
    """Whether what it did last is the instruction of a system call."""
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(registers.rip - 2)
        return memory.read(2) == b"\x0f\x05"


def _stop(pid):
    """Attaches; the registers, or None when the process is just doing something."""
    _ptrace(_ATTACH, pid)
    status = _wait(pid)
    assert os.WIFSTOPPED(status), status
    registers = _Registers()
    _ptrace(_GET_REGISTERS, pid, ctypes.byref(registers))
    if _waits(pid, registers):
        return registers
    _ptrace(_DETACH, pid)
    return None


@contextlib.contextmanager
def _attached(pid):
    """Yields the registers of the stopped process."""
    registers = wait_until(lambda: _stop(pid), 5, "the process waits")
    try:
        yield registers
    finally:
        with contextlib.suppress(OSError):  # it is dead
            _ptrace(_DETACH, pid)


def _set_up(pid, registers, number, arguments):
    """Puts the process before the system call instruction that it waits in, with another call in its registers."""
    changed = _Registers.from_buffer_copy(registers)
    changed.rip -= 2
    changed.rax, changed.orig_rax = number, ctypes.c_uint64(-1).value  # nothing to restart
    for name, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), arguments):
        setattr(changed, name, value)
    _ptrace(_SET_REGISTERS, pid, ctypes.byref(changed))


def result_of(pid, name, *arguments):
    """What the call returns; the process goes on with what it did."""
    with _attached(pid) as registers:
        _set_up(pid, registers, CALLS[name], arguments)
        _ptrace(_STEP, pid)
        status = _wait(pid)
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP, status
        after = _Registers()
        _ptrace(_GET_REGISTERS, pid, ctypes.byref(after))
        # The wait that was broken off is begun again as if by a signal.
        registers.rax = ctypes.c_uint64(-errno.EINTR).value
        registers.orig_rax = ctypes.c_uint64(-1).value
        _ptrace(_SET_REGISTERS, pid, ctypes.byref(registers))
        return ctypes.c_int64(after.rax).value


def end_after(pid, name, *arguments):
    """The signal that the process dies of when it makes this call; None when it lives on."""
    with _attached(pid) as registers:
        _set_up(pid, registers, CALLS[name], arguments)
        _ptrace(_STEP, pid)
        status = _wait(pid)
        # The signal that the kernel sends on the way out of the call comes before the step is told of, or after.
        if os.WIFSTOPPED(status) and os.WSTOPSIG(status) != signal.SIGTRAP:
            _ptrace(_CONTINUE, pid)
            status = _wait(pid)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
