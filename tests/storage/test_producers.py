"""Idempotent producers: duplicates get their first answer, gaps and old epochs are refused; restarts change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from kafkapy.protocol.batch import Record, build_batch
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.storage.producers import SnapshotError, decode_snapshot, encode_snapshot

NOW = 1_700_000_000_000
LAST = 2**31 - 1


@pytest.fixture
def send(house: Any, batch: Any) -> Any:
    def send(sequence: Any, *values: Any, epoch: Any = 0, producer_id: Any = 9, **options: Any) -> Any:
        data = batch(*(values or ("v",)), producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
        return house.log().append_as_leader(data, 0, NOW, **options)

    return send


def refused(code: Any) -> Any:
    return pytest.raises(KafkaError, match=code.name)


def test_the_last_five_batches_are_known_again(send: Any, house: Any) -> None:
    for sequence in range(7):
        send(sequence)
    for sequence in range(2, 7):
        again = send(sequence)
        assert (again.base_offset, again.last_offset, again.duplicate) == (sequence, sequence, True)
    with refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER):
        send(1)
    assert house.log().log_end_offset == 7


def test_a_gap_is_refused(send: Any) -> None:
    send(0)
    with refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER):
        send(2)
    assert send(1).base_offset == 1


def test_an_unknown_producer_may_begin_anywhere(send: Any) -> None:
    assert send(17).base_offset == 0
    assert send(18).base_offset == 1


def test_a_new_epoch_begins_at_zero_and_ends_the_old(send: Any) -> None:
    send(5)
    with refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER):
        send(6, epoch=1)
    send(0, epoch=1)
    with refused(ErrorCode.INVALID_PRODUCER_EPOCH):
        send(6, epoch=0)


def test_sequences_wrap(send: Any) -> None:
    assert send(LAST - 1, "a", "b", "c").last_offset == 2
    assert send(1).base_offset == 3
    assert send(LAST - 1, "a", "b", "c").duplicate
    send(2)
    with refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER):
        send(4)


def test_producers_survive_a_stop_and_a_crash(send: Any, house: Any, producers_of: Any) -> None:
    house.log(segment_bytes=400, index_interval_bytes=100)
    for sequence in range(20):
        send(sequence)
    send(3, producer_id=4)
    before = producers_of(house.log())
    for restart in (house.restart, house.kill, house.kill, house.restart):
        assert producers_of(restart()) == before
        assert all(send(sequence).duplicate for sequence in range(15, 20))
    assert send(20).base_offset == 21


def test_what_came_before_a_stop_is_read_once_it_is_repeated(send: Any, house: Any, disk: Any) -> None:
    for sequence in range(6):
        send(sequence)
    house.restart()
    read = []
    disk.on_read = lambda path, position, data: read.append((path[-4:], position)) or data
    assert send(6).base_offset == 6
    assert {position for suffix, position in read if suffix == ".log"} == {0}  # how old the segment is
    assert [send(sequence).duplicate for sequence in range(2, 7)] == [True] * 5
    with refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER):
        send(1)
    assert send(7).base_offset == 7


def test_a_crash_before_any_roll_keeps_all_five(send: Any, house: Any) -> None:
    for sequence in range(6):
        send(sequence)
    house.kill()
    assert [send(sequence).duplicate for sequence in range(1, 6)] == [True] * 5


def test_a_silent_producer_is_forgotten(send: Any, house: Any) -> None:
    send(0)
    house.log().producers.expire(NOW + 86_400_000 - 1)
    assert house.log().producers.by_id
    house.log().producers.expire(NOW + 86_400_000 + 1)
    assert send(50).base_offset == 1


@pytest.mark.parametrize("stop", ["clean", "killed"])
@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_what_snapshots_do_not_tell_is_read_from_the_log(
    send: Any, house: Any, disk: Any, producers_of: Any, stop: str, harm: str
) -> None:
    house.log(segment_bytes=400)
    for sequence in range(20):
        send(sequence)
    before = producers_of(house.log())
    house.log_dir.close({})
    house.log_dir = None
    for path in [path for path in disk.files if path.endswith(".snapshot")]:
        if harm == "lost":
            disk.unlink(path)
        else:
            disk.files[path].data[-1] ^= 1
    if stop == "killed":
        disk.unlink("/data/.kafka_cleanshutdown")
    assert producers_of(house.log()) == before


def test_transactions_are_followed_into_the_snapshot(house: Any, batch: Any) -> None:
    log = house.log()
    data = batch("a", producer_id=3, producer_epoch=2, base_sequence=0, transactional=True)
    log.append_as_leader(data, 0, NOW)
    assert house.kill().producers.by_id[3].transaction_first_offset == 0
    marker = Record(0, NOW + 5, b"\0\0\0\1", b"\0\0\0\0\0\x0b")
    commit = build_batch([marker], producer_id=3, producer_epoch=2, transactional=True, control=True)
    house.log().append_as_leader(commit, 0, NOW, from_client=False)
    for restart in (house.log, house.kill, house.restart):
        producer = restart().producers.by_id[3]
        assert (producer.transaction_first_offset, producer.coordinator_epoch) == (-1, 11)
        assert (producer.last_sequence, producer.last_timestamp) == (0, NOW + 5)


def test_a_snapshot_reads_back_and_notices_damage(send: Any, house: Any) -> None:
    send(0, "a", "b")
    send(4, producer_id=10)
    data = encode_snapshot(house.log().producers.by_id)
    assert encode_snapshot(decode_snapshot(data)) == data
    for size in range(len(data)):
        with pytest.raises(SnapshotError):
            decode_snapshot(data[:size])
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        with pytest.raises(SnapshotError):
            decode_snapshot(bytes(damaged))
