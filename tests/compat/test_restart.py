"""Clients that stay connected, or come back, when the broker goes away under them."""

from collections.abc import Callable

import pytest

from client_process import ClientProcess
from seed import EXPERIMENT_3, messages


@pytest.mark.parametrize("ending", ["stopped", "killed"])
def test_a_member_goes_on_where_it_was(
    client: Callable[[], ClientProcess],
    make_topic: Callable[[int], str],
    group: str,
    restart: Callable[[str], None],
    ending: str,
) -> None:
    topic = make_topic(1)
    member, producer = client(), client()
    member.consume(topic, group=group, offset_reset="earliest", auto_commit=False, commit=True)
    producer.produce(topic, messages(range(3), EXPERIMENT_3))
    member.wait_for("committed", lambda event: event["offset"] == 3)

    restart(ending)
    producer.produce(topic, messages(range(3, 6), EXPERIMENT_3))

    assert [record["offset"] for record in member.wait_for_records(3)] == [3, 4, 5]
    member.wait_for("committed", lambda event: event["offset"] == 6)
