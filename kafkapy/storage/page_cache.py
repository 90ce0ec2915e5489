"""What of a file is in the operating system's memory: Linux's `cachestat`, of 6.5 and later.

A byte that is read with RWF_NOWAIT says less: the disk reads ahead for it, and if it is quick the byte is there in
time, and what follows it is not.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

_CACHESTAT = 451  # the same on every architecture
_PAGE = mmap.PAGESIZE


class _Range(ctypes.Structure):
    _fields_ = (("position", ctypes.c_uint64), ("size", ctypes.c_uint64))


class _Found(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


_asked = _Range()
_found = _Found()
_pointers = ctypes.byref(_asked), ctypes.byref(_found)
_syscall = getattr(ctypes.CDLL(None), "syscall", None) if sys.platform == "linux" else None
if _syscall is not None:
    _syscall.argtypes = (ctypes.c_long, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint)


def is_cached(fd: int, position: int, size: int) -> bool | None:
    """Whether all of it is in memory, or on its way there; None if that is not said here. For one thread at a time."""
    if _syscall is None:
        return None
    _asked.position, _asked.size = position, size
    if _syscall(_CACHESTAT, fd, *_pointers, 0) != 0:
        return None
    pages = (position + size - 1) // _PAGE - position // _PAGE + 1
    return bool(_found.cached >= pages)
