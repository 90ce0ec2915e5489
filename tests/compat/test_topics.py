"""Topics that clients make by using them."""

import uuid
from collections.abc import Callable

from client_process import ClientProcess
from seed import EXPERIMENT_3, messages


def test_a_topic_is_made_on_first_use(client: Callable[[], ClientProcess]) -> None:
    topic = f"first-{uuid.uuid4().hex[:8]}"
    one = client()

    acks = one.produce(topic, messages(range(3), EXPERIMENT_3))

    assert acks == [(0, 0), (0, 1), (0, 2)]
    one.consume(topic, offset_reset="earliest")
    assert [record["value"] for record in one.wait_for_records(3)] == ["0", "1", "2"]
