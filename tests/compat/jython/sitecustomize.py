"""What Jython 2.7 lacks inside modules that it has, for clients written for CPython 2.7.

Loaded by Jython at its start because this folder is on its path. `socket.socketpair` exists on every CPython under
Unix, and `struct` knows the format `?` since 2.6. Both are supplied here; the client's own files stay as they are.
"""

import socket
import struct
import sys
import types


def socketpair():
    """Two sockets connected to each other, over the loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    near = socket.socket()
    near.connect(listener.getsockname())
    far, _ = listener.accept()
    listener.close()
    return far, near


def pack(fmt, *values):
    """struct.pack that knows `?`."""
    return struct.pack(fmt.replace("?", "b"), *values)


def unpack(fmt, data):
    """struct.unpack that knows `?`; a format mixes it with nothing else."""
    values = struct.unpack(fmt.replace("?", "b"), data)
    return tuple(bool(value) for value in values) if "?" in fmt else values


socket.socketpair = socketpair
# The module is a Java class, which cannot be given new functions: another module takes its name.
_module = types.ModuleType("struct")
for _name in ("Struct", "error", "calcsize", "pack_into", "unpack_from"):
    setattr(_module, _name, getattr(struct, _name))
_module.pack, _module.unpack = pack, unpack
sys.modules["struct"] = _module
