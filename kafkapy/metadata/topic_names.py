"""Which topic names Kafka allows. Apache's class: `org.apache.kafka.common.internals.Topic`."""

from __future__ import annotations

import re

from kafkapy.protocol.errors import ErrorCode, KafkaError

MAX_NAME_LENGTH = 249
CLUSTER_METADATA_TOPIC = "__cluster_metadata"
INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
_LEGAL = re.compile(r"[a-zA-Z0-9._-]+")


def is_internal(name: str) -> bool:
    """Whether clients should not see it unless they ask: a topic that Kafka keeps its own state in."""
    return name in INTERNAL_TOPICS


def check_topic_name(name: str) -> None:
    """Raises KafkaError(INVALID_TOPIC_EXCEPTION) for a name that no topic may have."""
    if not name:
        why = "a topic name must not be empty"
    elif name in (".", ".."):
        why = f"a topic must not be named '{name}'"
    elif len(name) > MAX_NAME_LENGTH:
        why = f"a topic name has at most {MAX_NAME_LENGTH} characters, this one has {len(name)}: '{name}'"
    elif not _LEGAL.fullmatch(name):
        why = f"topic name '{name}' has characters other than ASCII letters and digits, '.', '_' and '-'"
    else:
        return
    raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, why)
