"""A client in another language, which is asked to do one thing after another.

Its program reads asks on standard input and answers on standard output, one JSON object a line. The methods here are
all the asks there are; what each sends and what it answers is what the program has to take and give. A member of a
group goes on reading beside the asks: it tells of `assigned` whenever its partitions change, and of each `record` once
it has committed the offset behind it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from client_process import Conversation, Event, Startable

Record = dict[str, Any]


class Refused(Exception):  # noqa: N818  # the client's user would catch it as an answer
    """The client raised an error. `code` is Kafka's, None where the client does not show it."""

    def __init__(self, code: int | None, why: str) -> None:
        super().__init__(f"error {code}: {why}")
        self.code = code


class AskedClient(Conversation):
    """One running client of another language."""

    def __init__(self, client: Startable, bootstrap: str, log: Path) -> None:
        self._unread: list[Event] = []
        self._members: list[str] = []
        super().__init__(client, bootstrap, log)

    # Topics

    def topics(self) -> list[str]:
        topics: list[str] = self._ask("topics")["topics"]
        return topics

    def create_topic(self, topic: str, partitions: int = 1, configs: Mapping[str, str] | None = None) -> None:
        self._ask("create_topic", topic=topic, partitions=partitions, configs=configs or {})

    def delete_topic(self, topic: str) -> None:
        self._ask("delete_topic", topic=topic)

    def add_partitions(self, topic: str, total: int) -> None:
        self._ask("add_partitions", topic=topic, total=total)

    def offsets(self, topic: str) -> dict[int, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last."""
        found = self._ask("offsets", topic=topic)["offsets"]
        return {int(partition): (start, end) for partition, (start, end) in found.items()}

    def describe_configs(self, topic: str) -> dict[str, str]:
        configs: dict[str, str] = self._ask("describe_configs", topic=topic)["configs"]
        return configs

    def alter_configs(self, topic: str, configs: Mapping[str, str]) -> None:
        self._ask("alter_configs", topic=topic, configs=configs)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        self._ask("delete_records", topic=topic, partition=partition, before=before)

    # Records

    def produce(
        self, topic: str, records: list[Record], *, compression: str | None = None, idempotent: bool = False
    ) -> list[tuple[int, int]]:
        """Send records to their partitions and wait for all of them; the partition and offset of each."""
        answer = self._ask("produce", topic=topic, records=records, compression=compression, idempotent=idempotent)
        return [(ack["partition"], ack["offset"]) for ack in answer["acks"]]

    def read(
        self,
        topic: str,
        partition: int,
        count: int,
        *,
        offset: int | None = None,
        timestamp: int | None = None,
        isolation_level: str = "read_uncommitted",
    ) -> list[Record]:
        """The first `count` records of a partition from its start, an offset, or the first record of that time on."""
        start = {} if offset is None else {"offset": offset}
        if timestamp is not None:
            start["timestamp"] = timestamp
        where = {"topic": topic, "partition": partition, "start": start}
        records: list[Record] = self._ask("read", **where, count=count, isolation_level=isolation_level)["records"]
        return records

    # Transactions, in the same words as ClientProcess has them

    def begin(self, transactional_id: str, *, group: str | None = None, source: str | None = None) -> None:
        """Begin a transaction of a producer with that id, made anew if there is none.

        A transaction with offsets of a `group` is told so before, and of which topic: some clients make the producer
        and the group's member as one.
        """
        self._ask("begin", transactional_id=transactional_id, group=group, source=source)

    def send(self, topic: str, values: list[str]) -> None:
        """Send values to partition 0 in the transaction, and wait for all of them."""
        self._ask("send", topic=topic, values=values)

    def send_offset(self, topic: str, offset: int, group: str) -> None:
        """The offset of the group in partition 0, with the transaction; there are records up to it."""
        self._ask("send_offset", topic=topic, offset=offset, group=group)

    def end(self, *, commit: bool) -> None:
        self._ask("end", commit=commit)

    def values(self, topic: str, count: int, isolation_level: str) -> list[str]:
        """The first `count` values of partition 0."""
        return [record["value"] for record in self.read(topic, 0, count, isolation_level=isolation_level)]

    def committed_offset(self, topic: str, group: str) -> int:
        return self.committed(group, topic)[0]

    # Groups

    def join(
        self,
        member: str,
        group: str,
        topic: str,
        protocol: str = "classic",
        *,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start a member, which reads from the group's offsets, or from the start, and commits behind every record.

        `protocol` is that of the group: "classic", "consumer" (KIP-848) or "share" (KIP-932). A member of a share group
        accepts records, but releases those whose value begins with "release" the first time, and rejects "reject"; it
        tells of none of its partitions, and of records whatever it does with them. Java's takes `settings` besides, by
        Kafka's names.
        """
        self._members.append(member)
        self._ask("join", member=member, group=group, topic=topic, protocol=protocol, settings=settings or {})

    def leave(self, member: str) -> None:
        self._members.remove(member)
        self._ask("leave", member=member)

    def groups(self) -> list[str]:
        groups: list[str] = self._ask("groups")["groups"]
        return groups

    def describe_group(self, group: str, protocol: str = "classic") -> tuple[str, list[tuple[str, list[int]]]]:
        """Its state, and each member's client id and partitions."""
        answer = self._ask("describe_group", group=group, protocol=protocol)
        members = [(member["client_id"], sorted(member["partitions"])) for member in answer["members"]]
        return answer["state"], members

    def delete_group(self, group: str) -> None:
        self._ask("delete_group", group=group)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        found = self._ask("committed", group=group, topic=topic)["offsets"]
        return {int(partition): offset for partition, offset in found.items() if offset >= 0}

    # Command-line tools, which Java's program runs

    def run(self, main: str, *arguments: str, given: str = "") -> tuple[int, str]:
        """The exit status of a tool, named by its main class, and what it printed on standard output."""
        answer = self._ask("run", main=main, arguments=arguments, input=given)
        return answer["exit"], answer["said"]

    # What members tell

    def wait_for_partitions(self, member: str, accept: Callable[[list[int]], bool]) -> list[int]:
        """The partitions of a member, as soon as they are what `accept` agrees to."""
        while True:
            partitions = sorted(self._hear("assigned", member)["partitions"])
            if accept(partitions):
                return partitions

    def wait_for_revoked(self, member: str) -> list[int]:
        """The partitions that were taken from a member, where its client tells that."""
        return sorted(self._hear("revoked", member)["partitions"])

    def wait_for_records(self, member: str, count: int) -> list[Record]:
        return [self._hear("record", member) for _ in range(count)]

    def wait_for_records_of_any(self, count: int) -> list[Record]:
        return [self._hear("record", None) for _ in range(count)]

    def unread_records(self) -> list[Record]:
        """The records that members told of and no test waited for, up to the last answer."""
        return self.unread("record")

    def unread(self, event: str, member: str | None = None) -> list[Event]:
        """The events of that name, of all members or one, that no test waited for, up to the last answer."""
        return [one for one in self._unread if one["event"] == event and member in (None, one["member"])]

    # How it is told and heard

    def _ask(self, ask: str, **given: Any) -> Event:
        self._tell(do=ask, **given)
        while True:
            got = self._take(ask, self._unread)
            if got["event"] == "failed" and got.get("ask") == ask:
                raise Refused(got["code"], got["why"])
            if got["event"] == ask:
                return got
            self._keep(got)

    def _hear(self, event: str, member: str | None) -> Event:
        """The next event of that name, of a member or of any."""

        def is_wanted(got: Event) -> bool:
            return got["event"] == event and member in (None, got["member"])

        for index, got in enumerate(self._unread):
            if is_wanted(got):
                return self._unread.pop(index)
        while True:
            got = self._take(f"{event} of {member or 'any member'}", self._unread)
            if is_wanted(got):
                return got
            self._keep(got)

    def _keep(self, event: Event) -> None:
        if event["event"] == "failed":
            raise AssertionError(self._told(f"failed: {event['why']}"))
        self._unread.append(event)

    def close_what_is_open(self) -> None:
        for member in [*self._members]:
            self.leave(member)
        self._unread.clear()
