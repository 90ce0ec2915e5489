"""Which partition of `__consumer_offsets` has a group: Apache's choice, or it would not find what we wrote."""

from __future__ import annotations

import pytest

from kafkapy.coordinator.java_hash import java_hash


@pytest.mark.parametrize(
    ("group_id", "expected"),
    [  # Java's: Utils.abs(groupId.hashCode())
        ("", 0),
        ("group-1", 293_427_299),
        ("their-readers", 1_386_733_923),  # a hash below 0
        ("größe😀", 423_021_364),
        ("polygenelubricants", 0),  # the lowest int, which has no magnitude
    ],
)
def test_a_group_is_where_apache_looks_for_it(group_id: str, expected: int) -> None:
    assert java_hash(group_id) == expected
