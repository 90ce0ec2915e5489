"""Where the batches are in a slice of a log: share groups are given records by their offsets, and sent whole batches.

Only headers are looked at, a window of the file at a time.
"""

from __future__ import annotations

from kafkapy.protocol.batch import HEADER_SIZE, read_header
from kafkapy.protocol.octets import Bytes
from kafkapy.replication.acquisition import ReadBatch
from kafkapy.storage.disk import ColdError
from kafkapy.storage.segment import FileSlice

_WINDOW = 64 * 1024


def batches_in(found: FileSlice, up_to: int, *, cached_only: bool = True) -> list[ReadBatch]:
    """The whole batches of a slice, until one ends at the offset `up_to` or behind it.

    Raises ColdError if the disk must be asked and only what is `cached_only` is wanted, KafkaError for what it answers.
    """
    batches: list[ReadBatch] = []
    window: Bytes = b""
    begin = position = 0
    while position + HEADER_SIZE <= len(found):
        if position + HEADER_SIZE > begin + len(window):
            begin, window = position, _read(part_of(found, position, min(_WINDOW, len(found) - position)), cached_only)
        header = read_header(window, position - begin)
        if position + header.size > len(found):
            break  # cut short by the limit of bytes
        place = header.base_offset, header.last_offset, position, header.size
        batches.append(ReadBatch(*place, header.producer_id, header.is_transactional, header.is_control))
        position += header.size
        if header.last_offset >= up_to:
            break
    return batches


def part_of(found: FileSlice, position: int, size: int) -> FileSlice:
    """So many bytes of the slice, from `position` in it on."""
    part = FileSlice(found.file, found.position + position, size, is_recent=found.is_recent)
    part.on_disk_error = found.on_disk_error
    return part


def _read(part: FileSlice, cached_only: bool) -> Bytes:
    if not cached_only:
        return part.read()
    data = part.read_cached()
    if data is None:
        raise ColdError(part.read)
    return data
