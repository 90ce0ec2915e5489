"""A disk in memory that fails on order: full, a torn write, a failed sync, or a power failure that forgets.

What was written is what a reader sees; what was synced is what survives `crash(power=True)`. Syncing a new file keeps
its name too, as ext4 does; a rename or removal survives once its directory is synced. Without `power` a crash is the
death of the process: locks are free, and everything written is still there. Two threads may use different
files at once.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Callable, Sequence

from kafkapy.protocol.octets import Bytes

SPACE = 1 << 40  # a volume that is not full unless a test says so


class CrashError(BaseException):
    """The process dies here: nothing in it may catch this."""


class Inode:
    """A file's content, whatever its name."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced = b""
        self.modified_ms = 0


class MemoryFile:
    """An open file of a MemoryDisk."""

    def __init__(self, disk: MemoryDisk, path: str, inode: Inode) -> None:
        self._disk = disk
        self.path = path
        self.inode = inode
        self.size = len(inode.data)
        self.closed = False

    def append(self, chunks: Sequence[Bytes]) -> None:
        self._write(b"".join(chunks), self.size)

    def _write(self, data: bytes, position: int) -> None:
        def tear(part: float) -> None:
            kept = data[: int(len(data) * part)]
            self.inode.data[position : position + len(kept)] = kept

        self._disk.count("write", self.path, tear)
        self.inode.data[position : position + len(data)] = data
        self.size = max(self.size, position + len(data))

    def pread(self, size: int, position: int) -> bytes:
        return self._disk.on_read(self.path, position, bytes(self.inode.data[position : position + size]))

    def write_at(self, data: Bytes, position: int) -> None:
        self._write(bytes(data), position)

    def truncate(self, size: int) -> None:
        self._disk.count("truncate", self.path)
        del self.inode.data[size:]
        self.inode.data.extend(bytes(size - len(self.inode.data)))
        self.size = size

    def sync(self) -> None:
        self._disk.count("sync", self.path)
        self.inode.synced = bytes(self.inode.data)
        for path, inode in list(self._disk.files.items()):
            if inode is self.inode:
                self._disk.synced_files[path] = inode
                self._disk.keep_directories(path)

    def fileno(self) -> int:
        raise OSError(errno.ENOTSUP, "a file in memory has no descriptor", self.path)

    def close(self) -> None:
        self.closed = True
        self._disk.locked.discard(self.path)


class MemoryDisk:
    """See the module. `fail(n, ...)` orders what happens at the n-th change from now, counting from 1.

    `on_read` gets path, position and bytes of every read of a file, and what it returns is what was read.
    """

    def __init__(self) -> None:
        self.files: dict[str, Inode] = {}
        self.directories = {"/"}
        self.synced_files: dict[str, Inode] = {}
        self.synced_directories = {"/"}
        self.locked: set[str] = set()
        self.operations: list[tuple[str, str]] = []
        self.reads = 0
        self._fail_at = 0
        self._fail_kinds: tuple[str, ...] = ()
        self._fail_under = "/"
        self.on_read: Callable[[str, int, bytes], bytes] = lambda path, position, data: data
        self._error: BaseException | None = None
        self._torn = 0.0
        self._lasting = False

    def fail(
        self,
        at: int,
        error: BaseException | None = None,
        *,
        torn: float = 0.0,
        kinds: tuple[str, ...] = (),
        lasting: bool = False,
        under: str = "/",
    ) -> None:
        """Raise at the `at`-th change (of `kinds` only), after that part of a write; and ever after, if `lasting`.

        Only what is `under` that directory fails.
        """
        self._fail_under = under
        self._fail_at, self._error, self._torn = at, error or OSError(errno.ENOSPC, "No space left on device"), torn
        self._fail_kinds, self._lasting = kinds, lasting

    def heal(self) -> None:
        """Fail no more."""
        self._fail_at, self._error = 0, None

    def count(self, kind: str, path: str, tear: Callable[[float], None] | None = None) -> None:
        self.operations.append((kind, path))
        if self._error is None or (self._fail_kinds and kind not in self._fail_kinds):
            return
        if not path.startswith(self._fail_under):
            return
        self._fail_at -= 1
        if self._fail_at == 0 or (self._lasting and self._fail_at < 0):
            if tear is not None:
                tear(self._torn)
            raise self._error

    def crash(self, *, power: bool) -> None:
        """The process ends; with `power` the machine does, and only what was synced is left."""
        self.heal()
        self.locked.clear()
        if power:
            self.files = dict(self.synced_files)
            for inode in self.files.values():
                inode.data = bytearray(inode.synced)
            self.directories = set(self.synced_directories)

    def keep_directories(self, path: str) -> None:
        while (path := posixpath.dirname(path)) not in self.synced_directories:
            self.synced_directories.add(path)

    def _missing(self, path: str) -> FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def _inode(self, path: str) -> Inode:
        if path not in self.files:
            raise self._missing(path)
        return self.files[path]

    def open(self, path: str, *, create: bool = False) -> MemoryFile:
        if path not in self.files:
            if not create or posixpath.dirname(path) not in self.directories:
                raise self._missing(path)
            self.count("create", path)
            self.files[path] = Inode()
        return MemoryFile(self, path, self.files[path])

    def read(self, path: str) -> bytes:
        self.reads += 1
        return bytes(self._inode(path).data)

    def write(self, path: str, data: bytes, *, sync: bool) -> None:
        file = self.open(path, create=True)
        if file.size:
            file.truncate(0)
        file.write_at(data, 0)
        if sync:
            file.sync()

    def sync_dir(self, path: str) -> None:
        self.count("sync", path)
        self.keep_directories(path + "/x")
        inside = [name for name in list(self.synced_files) if posixpath.dirname(name) == path]
        for name in inside:
            if name not in self.files:
                self.synced_files.pop(name, None)
        for name, inode in list(self.files.items()):
            if posixpath.dirname(name) == path:
                self.synced_files[name] = inode

    def rename(self, source: str, target: str) -> None:
        self.count("rename", source)
        if source in self.files:
            self.files[target] = self.files.pop(source)
            return
        if source not in self.directories:
            raise self._missing(source)
        self.directories = {self._moved(name, source, target) for name in self.directories}
        self.files = {self._moved(name, source, target): inode for name, inode in list(self.files.items())}

    def _moved(self, name: str, source: str, target: str) -> str:
        inside = name == source or name.startswith(source + "/")
        return target + name[len(source) :] if inside else name

    def unlink(self, path: str) -> None:
        self._inode(path)
        self.count("unlink", path)
        del self.files[path]

    def list(self, path: str) -> list[str]:
        if path not in self.directories:
            raise self._missing(path)
        names = [*list(self.files), *list(self.directories)]
        return [posixpath.basename(name) for name in names if name != "/" and posixpath.dirname(name) == path]

    def mkdir(self, path: str) -> None:
        if path in self.directories:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        self.count("mkdir", path)
        self.directories.add(path)

    def rmdir(self, path: str) -> None:
        self.count("rmdir", path)
        self.directories.remove(path)

    def exists(self, path: str) -> bool:
        return path in self.files or path in self.directories

    def is_dir(self, path: str) -> bool:
        return path in self.directories

    def size(self, path: str) -> int:
        return len(self._inode(path).data)

    def space(self, path: str) -> tuple[int, int]:
        return SPACE, SPACE - sum(len(inode.data) for inode in self.files.values())

    def modified_ms(self, path: str) -> int:
        return self._inode(path).modified_ms

    def set_modified_ms(self, path: str, modified_ms: int) -> None:
        self._inode(path).modified_ms = modified_ms

    def lock(self, path: str) -> MemoryFile | None:
        if path in self.locked:
            return None
        file = self.open(path, create=True)
        self.locked.add(path)
        return file
