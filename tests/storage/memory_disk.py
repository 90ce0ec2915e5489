"""A disk in memory that fails on order: full, a torn write, a failed sync, or a power failure that forgets.

What was written is what a reader sees; what was synced is what survives `crash(power=True)`. Given a source of chance,
a power failure also keeps some of what was not synced: of each directory's changes those up to any one of them, in the
order they were made, as file systems with a journal do; of each file what it was at any truncation since, and any
blocks written after that, with zeros between them. Syncing a file keeps its name too, as ext4 does, and what was done
in its directory before; a rename or removal survives once its directory is synced. Without `power` a crash is the death
of the process: locks are free, and everything written is still there. Two threads may use different files at once.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Callable, Iterator, Sequence
from random import Random

from kafkapy.protocol.octets import Bytes

SPACE = 1 << 40  # a volume that is not full unless a test says so
BLOCK = 64  # bytes that a power failure keeps or loses together


class CrashError(BaseException):
    """The process dies here: nothing in it may catch this."""


class Inode:
    """A file's content, whatever its name."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced = b""
        self.modified_ms = 0
        self._cuts: list[tuple[bytes, bytes]] = []  # since the last sync: the content before each truncation, and after

    def truncate(self, size: int) -> None:
        before = bytes(self.data)
        del self.data[size:]
        self.data.extend(bytes(size - len(self.data)))
        self._cuts.append((before, bytes(self.data)))

    def sync(self) -> None:
        self.synced = bytes(self.data)
        self._cuts.clear()

    def lose_power(self, random: Random | None) -> None:
        """Become what the disk would hold: what was synced, or, if left to chance, some of what came after."""
        content = self.synced
        if random is not None and content != self.data:
            stages = [(base, full) for base, full in self._stages() if base != full]
            if stages:
                content = _mixed(*random.choice(stages), random)
        self.data = bytearray(content)
        self.sync()

    def _stages(self) -> Iterator[tuple[bytes, bytes]]:
        base = self.synced
        for before, after in self._cuts:
            yield base, before
            base = after
        yield base, bytes(self.data)


def _mixed(base: bytes, full: bytes, random: Random) -> bytes:
    """`base` on the way to become `full`: all, nothing, or some of the blocks in which they differ."""
    kept = random.choice((0.0, 0.5, 0.9, 1.0))
    size = random.choice((len(full), random.randint(min(len(base), len(full)), len(full))))
    mixed = bytearray(base[:size].ljust(size, b"\0"))
    for at in range(0, size, BLOCK):
        if random.random() < kept:
            mixed[at : at + BLOCK] = full[at : min(at + BLOCK, size)]
    return bytes(mixed)


class Directory:
    """Names, and which of them are durable."""

    def __init__(self) -> None:
        self.entries: dict[str, Inode | Directory] = {}
        self._durable: dict[str, Inode | Directory] = {}
        self._pending: list[dict[str, Inode | Directory | None]] = []  # each is durable whole or not at all

    def change(self, **names: Inode | Directory | None) -> None:
        """Let names stand for something else, or, where None, for nothing."""
        self._pending.append(names)
        _apply(self.entries, names)

    def sync(self) -> None:
        self._keep(len(self._pending))

    def keep_name_of(self, node: Inode | Directory) -> None:
        """What syncing a file does to its name."""
        named = [at for at, names in enumerate(self._pending) if any(value is node for value in names.values())]
        self._keep(max(named, default=-1) + 1)

    def _keep(self, count: int) -> None:
        for names in self._pending[:count]:
            _apply(self._durable, names)
        del self._pending[:count]

    def lose_power(self, random: Random | None) -> None:
        self._keep(0 if random is None else random.randint(0, len(self._pending)))
        self._pending.clear()
        self.entries = dict(self._durable)
        for node in self.entries.values():
            node.lose_power(random)


def _apply(entries: dict[str, Inode | Directory], names: dict[str, Inode | Directory | None]) -> None:
    for name, node in names.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


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
        self.inode.data.extend(bytes(max(position - len(self.inode.data), 0)))
        self.inode.data[position : position + len(data)] = data
        self.size = max(self.size, position + len(data))

    def pread(self, size: int, position: int) -> bytes:
        self._disk.warm(self.path)
        return self._disk.on_read(self.path, position, bytes(self.inode.data[position : position + size]))

    def pread_cached(self, size: int, position: int) -> bytes | None:
        return None if self.path in self._disk.cold else self.pread(size, position)

    def is_cached(self, position: int, size: int) -> bool:
        return self.path not in self._disk.cold

    def write_at(self, data: Bytes, position: int) -> None:
        self._write(bytes(data), position)

    def truncate(self, size: int) -> None:
        self._disk.count("truncate", self.path)
        self.inode.truncate(size)
        self.size = size

    def reserve(self, size: int) -> None:
        self._disk.count("truncate", self.path)
        self.inode.truncate(size)

    def sync(self) -> None:
        self._disk.count("sync", self.path)
        self.inode.sync()
        self._disk.keep_name(self.path, self.inode)

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
        self.root = Directory()
        self.locked: set[str] = set()
        self.operations: list[tuple[str, str]] = []
        self.cold: set[str] = set()  # files that are not in the operating system's memory, until they are read
        self.on_read: Callable[[str, int, bytes], bytes] = lambda path, position, data: data
        self._fail_at = 0
        self._fail_kinds: tuple[str, ...] = ()
        self._fail_under = "/"
        self.on_read: Callable[[str, int, bytes], bytes] = lambda path, position, data: data
        self._error: BaseException | None = None
        self._torn = 0.0
        self._lasting = False

    # --- what tests do to it

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

    def warm(self, path: str) -> None:
        """Something of the file is read."""
        if path in self.cold:
            self.cold.discard(path)
            self.count("read", path)

    def crash(self, *, power: bool, random: Random | None = None) -> None:
        """The process ends; with `power` the machine does, and what was synced is left, and more if left to chance."""
        self.heal()
        self.locked.clear()
        if power:
            self.root.lose_power(random)

    @property
    def files(self) -> dict[str, Inode]:
        """Every file by its path."""
        return dict(_walk("", self.root))

    # --- what a Disk does

    def _find(self, path: str) -> Inode | Directory | None:
        node: Inode | Directory | None = self.root
        for name in path.split("/")[1:]:
            if name:
                node = node.entries.get(name) if isinstance(node, Directory) else None
        return node

    def _missing(self, path: str) -> FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    def _inode(self, path: str) -> Inode:
        node = self._find(path)
        if not isinstance(node, Inode):
            raise self._missing(path)
        return node

    def _directory(self, path: str) -> Directory:
        node = self._find(path)
        if not isinstance(node, Directory):
            raise self._missing(path)
        return node

    def _parent(self, path: str) -> tuple[Directory, str]:
        folder, name = posixpath.split(path)
        return self._directory(folder), name

    def keep_name(self, path: str, node: Inode | Directory) -> None:
        """A sync of `node` reaches its name, and those of the directories that it is in."""
        while path != "/":
            path = posixpath.dirname(path)
            folder = self._find(path)
            if not isinstance(folder, Directory):
                return  # it has another path since, or none
            folder.keep_name_of(node)
            node = folder

    def open(self, path: str, *, create: bool = False) -> MemoryFile:
        folder, name = self._parent(path)
        node = folder.entries.get(name)
        if node is None:
            if not create:
                raise self._missing(path)
            self.count("create", path)
            node = Inode()
            folder.change(**{name: node})
        assert isinstance(node, Inode), path
        return MemoryFile(self, path, node)

    def read(self, path: str) -> bytes:
        self.warm(path)
        return self.on_read(path, 0, bytes(self._inode(path).data))

    def write(self, path: str, data: bytes, *, sync: bool) -> None:
        file = self.open(path, create=True)
        if file.size:
            file.truncate(0)
        file.write_at(data, 0)
        if sync:
            file.sync()

    def sync_dir(self, path: str) -> None:
        self.count("sync", path)
        folder = self._directory(path)
        folder.sync()
        self.keep_name(path, folder)

    def rename(self, source: str, target: str) -> None:
        self.count("rename", source)
        folder, name = self._parent(source)
        other, new_name = self._parent(target)
        assert folder is other, "nothing here moves between directories"
        if name not in folder.entries:
            raise self._missing(source)
        folder.change(**{name: None, new_name: folder.entries[name]})

    def unlink(self, path: str) -> None:
        self._inode(path)
        self.count("unlink", path)
        folder, name = self._parent(path)
        folder.change(**{name: None})

    def list(self, path: str) -> list[str]:
        return list(self._directory(path).entries)

    def mkdir(self, path: str) -> None:
        folder, name = self._parent(path)
        if name in folder.entries:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        self.count("mkdir", path)
        folder.change(**{name: Directory()})

    def rmdir(self, path: str) -> None:
        if self._directory(path).entries:
            raise OSError(errno.ENOTEMPTY, "Directory not empty", path)
        self.count("rmdir", path)
        folder, name = self._parent(path)
        folder.change(**{name: None})

    def exists(self, path: str) -> bool:
        return self._find(path) is not None

    def is_dir(self, path: str) -> bool:
        return isinstance(self._find(path), Directory)

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


def _walk(path: str, folder: Directory) -> Iterator[tuple[str, Inode]]:
    for name, node in folder.entries.items():
        if isinstance(node, Inode):
            yield f"{path}/{name}", node
        else:
            yield from _walk(f"{path}/{name}", node)
