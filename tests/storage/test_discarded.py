"""What compaction leaves behind, until it is removed."""

from __future__ import annotations

from typing import Any

from kafkapy.storage.cleaner import Cleaner

NOW = 1_700_000_000_000


def test_what_was_compacted_away_goes_after_its_delay_or_when_its_name_is_needed(
    house: Any, disk: Any, batch: Any
) -> None:
    log = house.log(
        cleanup_policy=frozenset({"compact"}),
        segment_bytes=500,
        min_cleanable_dirty_ratio=0.0,
        file_delete_delay_ms=100,
    )
    cleaner = Cleaner("/data", disk, house.log_dir.logs)
    in_the_way: list[str] = []

    def rename(source: str, target: str, rename: Any = disk.rename) -> None:
        in_the_way.extend([target] * disk.exists(target))  # a file that is replaced takes as long to go as any
        rename(source, target)

    disk.rename = rename
    for _ in range(2):
        for i in range(40):
            log.append_as_leader(batch(f"value {i}", timestamp=NOW + i), 0, NOW)
        cleanable = cleaner.pick({("t", 0): log.log_end_offset}, NOW)
        assert cleanable is not None
        for job in cleaner.clean(cleanable, NOW):
            job()
        assert f"{log.directory}/00000000000000000000.log.deleted" in disk.files
    assert not [path for path in in_the_way if path.endswith(".deleted")]
    house.log_dir.remove_deleted(NOW + 100)
    assert not [path for path in disk.files if path.endswith(".deleted")]
