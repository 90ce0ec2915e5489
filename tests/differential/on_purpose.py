"""Where kafkapy differs from Apache Kafka on purpose, each with its reason. Whatever is not here must be the same."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from comparison import WORDING, Difference


@dataclass(frozen=True)
class OnPurpose:
    """A difference that is meant.

    `request` is a pattern of the API, the version and what was asked; `path` is one of where the answer differs.

    `values` says by a field's name what kafkapy and Apache must have in it; None is whatever it is.
    """

    request: str
    path: str
    reason: str
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def covers(self, what: str, difference: Difference) -> bool:
        """Whether this is that difference."""
        if not re.fullmatch(self.request, what) or not re.fullmatch(self.path, difference.path):
            return False
        ours, theirs = self.values.get(difference.path.rpartition(".")[2], (None, None))
        return ours in (None, difference.kafkapy) and theirs in (None, difference.apache)


CLOSED = "the connection is closed"  # what becomes of a connection
SILENT = "no answer"
ANSWERED = "an answer"

_WORDING = rf"(.*\.)?({'|'.join(sorted(WORDING))})"

_CODE = r"responses\[.*\]\.partition_responses\[.*\]\.(error_code|base_offset|log_start_offset)"

ON_PURPOSE = (
    OnPurpose(
        r"Produce v.* of a batch: (gzip|snappy|lz4|zstd) that is none",
        _CODE,
        "records are opaque: kafkapy takes a batch whose CRC is right, unless it must open it; Apache opens it",
        {"error_code": (None, -1)},
    ),
    OnPurpose(
        r"Produce v.* of a batch: (count small|count large|records that are none|record bytes (missing|more))",
        _CODE,
        "records are opaque: kafkapy takes a batch whose CRC is right, Apache counts what is in it",
        {"error_code": (0, 87)},
    ),
    OnPurpose(
        r"(Fetch|ListOffsets) v.* of a batch: (max timestamp.*|base timestamp negative)",
        r".*\.(records.*|timestamp|offset|leader_epoch)",
        "records are opaque: kafkapy believes what the batch says of its largest timestamp, Apache looks",
    ),
    OnPurpose(
        r"Produce v.* of a batch: (producer without epoch|before the epoch)",
        _CODE,
        "kafkapy takes what is odd and no harm where it compresses a batch anew; Apache fails",
        {"error_code": (0, -1)},
    ),
    OnPurpose(
        r"Fetch v.*max_bytes=-1\b.*",
        r"responses.*",
        "kafkapy gives the first batch whatever a negative limit says; Apache fails",
    ),
    OnPurpose(
        r"(Fetch|ListOffsets) v.*isolation_level=(2|-1).*",
        r"(responses|topics|error_code).*",
        "kafkapy takes an isolation level that there is not for read_uncommitted; Apache fails",
    ),
    OnPurpose(
        r"(Incremental)?AlterConfigs v.*min\.cleanable\.dirty\.ratio', value='NaN'.*",
        r"responses\[0\]\.error_code",
        "NaN is no share of a log",
        {"error_code": (40, 0)},
    ),
    OnPurpose(
        r"DescribeConfigs v.*",
        r".*min\.cleanable\.dirty\.ratio\].*value",
        "NaN is no share of a log",
        {"value": ("0.5", "NaN")},
    ),
    OnPurpose(
        r"DescribeConfigs v.*",
        r"results\[.*\]\.configs\[\d+: (advertised\.)?(listeners|broker\.id|node\.id|process\.roles|log\.dirs?|"
        r"controller\..*|metadata\.log\.max\.record\.bytes\.between\.snapshots)\].*",
        "what kafkapy has other defaults for, or is told otherwise, being one process that needs no configuration",
    ),
    OnPurpose(
        r"DescribeConfigs v.*",
        r"results\[.*\]\.configs\[\d+: (group\.initial\.rebalance\.delay\.ms|offsets\.topic\.replication\.factor|"
        r"(transaction\.state\.log|share\.coordinator\.state\.topic)\.(replication\.factor|min\.isr))\]\.synonyms.*value",
        "defaults for a broker that is alone: one replica, and a first rebalance that is not delayed",
    ),
    OnPurpose(
        r"ApiVersions v.*",
        r"api_keys of \d+ and \d+ items.*",
        "no streams groups, and no voters that come and go; test_versions compares the ranges of what is served",
    ),
    OnPurpose(
        r"ApiVersions v.*",
        r"supported_features.*metadata\.version.*min_version",
        "no older format of the metadata is read",
    ),
    OnPurpose(
        r"ApiVersions v.*",
        r"finalized_features of.*",
        "Apache formats with kraft.version 1; how voters join is no promise to clients",
    ),
    OnPurpose(
        r"Frame ApiVersions v(5|100|-1|32767), no body.*",
        r"",
        "what stands at the front of every header is enough for an answer to an unknown version",
    ),
    OnPurpose(
        r"Frame v\d+ beginning with .*",
        r"",
        "kafkapy hangs up at a count of tags that cannot be; Apache takes one above 2**31 for none",
        {"": (CLOSED, ANSWERED)},
    ),
    OnPurpose(
        r"Metadata v1[23] MetadataRequest\(topics=\[MetadataRequestTopic\(name=None\)\].*",
        r".*",
        "kafkapy answers for a topic without name and id, Apache fails as a whole",
    ),
    OnPurpose(
        r"DescribeTopicPartitions v.*TopicRequest\(\).*",
        r".*",
        "kafkapy says of an empty name that it is none, and describes the others; Apache fails as a whole",
    ),
    OnPurpose(
        r"WriteTxnMarkers v.* epoch by -1.*",
        r"markers.*error_code",
        "kafkapy says that a marker's epoch is too old, Apache fails at one that is negative",
        {"error_code": (47, -1)},
    ),
    OnPurpose(
        r"Produce v.* of a batch: (length huge|codec [57])",
        _CODE,
        "kafkapy says what is wrong with the batch, where Apache fails with UNKNOWN_SERVER_ERROR",
        {"error_code": (None, -1)},
    ),
    OnPurpose(
        r"DescribeShareGroupOffsets v.* of a topic without partitions",
        r"groups.*",
        "kafkapy has nothing to tell of no partitions, Apache fails",
    ),
    OnPurpose(
        r"ShareFetch v.* \{'topic_id': .*",
        r"(error_code|acquisition_lock_timeout_ms|responses.*)",
        "kafkapy says that there is no topic of the id, Apache fails as a whole",
    ),
    OnPurpose(
        r"DescribeQuorum v.*",
        r".*\.(high_watermark|log_end_offset|last_fetch_timestamp|last_caught_up_timestamp)",
        "how much each has written to its metadata's log, and when it was asked",
    ),
    OnPurpose(
        r"Metadata v.* of topics that come by themselves",
        r"topics\[.*\]\.(error_code|topic_id|partitions of.*)",
        "kafkapy makes a topic before it answers; Apache says that there is none, and the client asks again",
    ),
    OnPurpose(r".*", _WORDING, "our own words: what a program needs to know, the code says"),
)


def reason_for(what: str, difference: Difference) -> str | None:
    """Why this difference is meant, or None where it is not."""
    for one in ON_PURPOSE:
        if one.covers(what, difference):
            return one.reason
    return None
