"""FrameReader: the same frames however the stream is cut, and no size believed before its bytes are there."""

from __future__ import annotations

import random
import struct
import tracemalloc

import pytest

from kafkapy.protocol.frame import FrameError, FrameReader, framed

LIMIT = 10_000_000


def stream_of(*bodies: bytes) -> bytes:
    return b"".join(chunk for body in bodies for chunk in framed([body]))


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def random_bodies(seed: int) -> list[bytes]:
    chooser = random.Random(seed)
    sizes = [0, 1, 3, 4, 5, 32_763, 32_764, 32_765, 32_768, 65_536, 100_001]
    return [chooser.randbytes(chooser.choice(sizes)) for _ in range(30)]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7, 4096, 32_767, 32_768, 32_769, 1_000_003])
def test_the_frames_are_the_same_however_the_stream_is_cut(piece: int) -> None:
    bodies = random_bodies(1) if piece > 1000 else [b"", b"a", b"four", b"x" * 700, b"", b"y" * 40_000, b"end"]
    reader = FrameReader(LIMIT)

    frames = [found for data in in_pieces(stream_of(*bodies), piece) for found in reader.feed(data)]

    assert frames == bodies
    assert reader.pending == 0


def test_pipelined_frames_come_out_of_one_read() -> None:
    assert FrameReader(LIMIT).feed(stream_of(b"one", b"two", b"", b"three")) == [b"one", b"two", b"", b"three"]


def test_bytes_are_received_straight_into_a_large_frame() -> None:
    body = random.Random(2).randbytes(3_000_000)
    data = memoryview(stream_of(body))
    reader, frames, reads = FrameReader(LIMIT), [], 0
    while data:
        view = reader.buffer()
        count = min(len(view), len(data))
        view[:count] = data[:count]
        frames += reader.received(count)
        data, reads = data[count:], reads + 1

    assert frames == [body]
    assert reads < 12  # the room doubles with what has arrived


def test_a_frame_is_its_own_and_may_be_patched() -> None:
    reader = FrameReader(LIMIT)
    (first,) = reader.feed(stream_of(b"first"))
    first[:1] = b"F"
    (second,) = reader.feed(stream_of(b"other"))

    assert [bytes(first), bytes(second)] == [b"First", b"other"]


def test_an_unfinished_receive_may_be_repeated() -> None:
    reader = FrameReader(LIMIT)
    reader.buffer()
    view = reader.buffer()  # as after a cancelled read
    view[:7] = stream_of(b"abc")

    assert reader.received(7) == [b"abc"]


@pytest.mark.parametrize("size", [-1, -(2**31), LIMIT + 1, 2**31 - 1, int.from_bytes(b"GET ")])
def test_a_size_that_cannot_be_is_refused(size: int) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(struct.pack(">i", size)[:3])

    with pytest.raises(FrameError, match=str(size)):
        reader.feed(struct.pack(">i", size)[3:])
    with pytest.raises(FrameError, match=str(size)):
        reader.buffer()


def test_frames_before_a_bad_size_are_delivered_first() -> None:
    reader = FrameReader(LIMIT)

    assert reader.feed(stream_of(b"good") + struct.pack(">i", -5)) == [b"good"]
    with pytest.raises(FrameError, match="cannot be negative"):
        reader.buffer()


def test_the_limit_itself_is_allowed() -> None:
    assert FrameReader(5).feed(stream_of(b"12345")) == [b"12345"]
    with pytest.raises(FrameError, match=r"a frame of 6 bytes .* at most 5 .*socket.request.max.bytes"):
        FrameReader(5).feed(stream_of(b"123456"))


def test_memory_follows_what_arrived_and_not_what_was_announced() -> None:
    tracemalloc.start()
    try:
        reader = FrameReader(2**31 - 1)
        reader.feed(struct.pack(">i", 2**31 - 1) + b"x" * 10)
        reader.buffer()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000
    assert reader.pending == 14


def test_a_mangled_stream_gives_frames_or_an_error_and_nothing_else() -> None:
    chooser = random.Random(3)
    for _ in range(300):
        data = bytearray(stream_of(*(chooser.randbytes(chooser.randrange(40)) for _ in range(5))))
        for _ in range(3):
            data[chooser.randrange(len(data))] = chooser.randrange(256)
        reader, taken = FrameReader(64), 0
        try:
            for piece in in_pieces(bytes(data), chooser.randint(1, 9)):
                taken += sum(4 + len(found) for found in reader.feed(piece))
        except FrameError:
            continue
        assert taken + reader.pending == len(data)


def test_more_than_was_handed_out_cannot_be_received() -> None:
    reader = FrameReader(LIMIT)
    with pytest.raises(ValueError, match="cannot have been received"):
        reader.received(1)
