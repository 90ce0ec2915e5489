"""The two brokers side by side: every request goes to both, and every answer is compared."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from comparison import Comparison, Difference
from on_purpose import CLOSED, SILENT, reason_for
from telling import shortened

from kafkapy.protocol.api import Api
from kafkapy.protocol.codec import DecodeError
from kafkapy.protocol.errors import ErrorCode
from kafkapy.protocol.messages.api_versions import API_VERSIONS, ApiVersionsRequest
from kafkapy.protocol.messages.create_partitions import (
    CREATE_PARTITIONS,
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from kafkapy.protocol.messages.create_topics import CREATE_TOPICS, CreatableTopic, CreateTopicsRequest
from kafkapy.protocol.messages.list_offsets import (
    LIST_OFFSETS,
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from kafkapy.protocol.request import decode_response, encode_request

LIMIT_S = 30.0
CLIENT_ID = "me"
BARRIER = "barrier"
_TRIES = 5


class Two:
    """What each broker has its own of, as an id; a part of it is again what each has. Requests may hold such values."""

    __slots__ = ("apache", "kafkapy")

    def __init__(self, kafkapy: Any, apache: Any) -> None:
        self.kafkapy = kafkapy
        self.apache = apache

    def __getattr__(self, name: str) -> Two:
        return Two(getattr(self.kafkapy, name), getattr(self.apache, name))

    def __getitem__(self, key: Any) -> Two:
        return Two(self.kafkapy[key], self.apache[key])

    def __repr__(self) -> str:
        return f"Two({self.kafkapy!r}, {self.apache!r})"

    def both(self) -> tuple[Any, Any]:
        return self.kafkapy, self.apache

    def map(self, function: Callable[[Any], Any]) -> Two:
        return Two(function(self.kafkapy), function(self.apache))


def of_side(value: Any, side: str) -> Any:
    """The value with each `Two` in it replaced by what that broker knows it as."""
    if isinstance(value, Two):
        return of_side(getattr(value, side), side)
    if isinstance(value, list):
        return [of_side(item, side) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: of_side(getattr(value, field.name), side) for field in dataclasses.fields(value)}
        return type(value)(**fields)
    return value


class Connection:
    """One connection to each of the brokers."""

    def __init__(self, sides: Sides, client_id: str = CLIENT_ID) -> None:
        self.sides = self._sides = sides
        self._client_id = client_id
        self.note = ""  # what the next requests are about, for who reads of a difference
        self._clients = {side: connect() for side, connect in sides.connect.items()}

    def ask(self, api: Api, version: int, request: Any) -> Two:
        """Each broker's answer: a response, or CLOSED, after which the next request is sent on a new connection."""
        self.send(api, version, request)
        return self.receive(api, version, request)

    def send(self, api: Api, version: int, request: Any) -> None:
        self._request = request
        for side, client in self._clients.items():
            frame = encode_request(api, version, 1, self._client_id, of_side(request, side))
            try:
                client.send_frame(frame)
            except ConnectionError:
                continue  # which receiving finds as well

    def receive(self, api: Api, version: int, request: Any = None) -> Two:
        """The answers to a request that was sent."""
        answers = Two(*(self._receive(api, version, side) for side in ("kafkapy", "apache")))
        self._compare(api, version, self._request if request is None else request, answers)
        return answers

    def _compare(self, api: Api, version: int, request: Any, answers: Two) -> None:
        told = self.note or shortened(request)
        self._sides.compare(f"{api.name} v{version}", told, answers, self.note)

    def ask_unseen(self, api: Api, version: int, request: Any) -> Two:
        """Each broker's answer, not compared: for who waits until both have come to the same."""
        self.send(api, version, request)
        return Two(*(self._receive(api, version, side) for side in ("kafkapy", "apache")))

    def tell(self, api: Api, version: int, request: Any) -> None:
        """Send what is not answered; whether the connection stays is compared."""
        self.send(api, version, request)
        self.send(API_VERSIONS, 0, ApiVersionsRequest())
        answers = Two(*(self._receive(API_VERSIONS, 0, side) for side in ("kafkapy", "apache")))
        self._compare(api, version, request, answers.map(_outcome))

    def send_bytes(self, data: bytes, limit_s: float = LIMIT_S) -> Two:
        """What comes back: the frame as bytes, CLOSED, or SILENT if nothing comes within the limit."""
        return Two(*(self._exchange(data, side, limit_s) for side in ("kafkapy", "apache")))

    def _exchange(self, data: bytes, side: str, limit_s: float) -> Any:
        client = self._clients[side]
        client.socket.settimeout(limit_s)
        try:
            client.socket.sendall(data)
            return bytes(client.receive_frame())
        except (EOFError, ConnectionError):
            self._renew(side)
            return CLOSED
        except TimeoutError:
            return SILENT
        finally:
            client.socket.settimeout(LIMIT_S) if client is self._clients[side] else None

    def renew(self) -> None:
        """Go on with new connections."""
        for side in self._clients:
            self._renew(side)

    def _receive(self, api: Api, version: int, side: str) -> Any:
        try:
            frame = self._clients[side].receive_frame()
        except (EOFError, ConnectionError):
            self._renew(side)
            return CLOSED
        except TimeoutError:
            self._renew(side)
            return SILENT
        try:
            return decode_response(api, version, frame)[1]
        except DecodeError as error:
            return f"an answer that cannot be read: {error}"

    def _renew(self, side: str) -> None:
        self._clients[side].close()
        self._clients[side] = self._sides.connect[side]()

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _outcome(answer: Any) -> str:
    return answer if isinstance(answer, str) else "the connection stays"


class Found:
    """A request whose answers differ."""

    def __init__(self, request: str, differences: list[Difference]) -> None:
        self.request = request
        self.differences = differences

    def __str__(self) -> str:
        return "\n    ".join([self.request, *map(str, self.differences)])


class Sides:
    """Both brokers, and what was found to differ between them."""

    def __init__(self, kafkapy: Callable[[], Any], apache: Callable[[], Any]) -> None:
        self.connect = {"kafkapy": kafkapy, "apache": apache}
        self.found: list[Found] = []
        self.known: dict[str, int] = {}  # how often each difference on purpose was met
        self._comparison = Comparison()
        self._kinds: set[tuple[str, ...]] = set()
        self._barrier = 0
        self._names = 0
        self.served = {side: _ranges(connect) for side, connect in self.connect.items()}

    def connection(self, client_id: str = CLIENT_ID) -> Connection:
        return Connection(self, client_id)

    def new_name(self, of: str = "t") -> str:
        """A name that nothing has yet."""
        self._names += 1
        return f"{of}{self._names}"

    def versions(self, api: Api) -> range:
        """The versions that both serve; none where one does not serve the API."""
        found = [served[api.key] for served in self.served.values() if api.key in served]
        if len(found) < len(self.served):
            return range(0)
        return range(max(first for first, _ in found), min(last for _, last in found) + 1)

    def compare(self, what: str, request: str, answers: Two, note: str = "") -> None:
        """Note what differs between the answers and is not on purpose; what was found of the same `note` only once."""
        found = []
        for one in self._comparison.differences(answers.kafkapy, answers.apache):
            reason = reason_for(f"{what} {request}", one)
            if reason is None:
                found.append(one)
            else:
                self.known[reason] = self.known.get(reason, 0) + 1
        new = [one for one in found if self._is_new(what, note, one)]
        if new:
            self.found.append(Found(f"{what} {request}", new))

    def _is_new(self, what: str, note: str, one: Difference) -> bool:
        """The same difference of another version, or in another item, would only hide the others."""
        values = [value if isinstance(value, int | None) else type(value) for value in (one.kafkapy, one.apache)]
        kind = (what.partition(" ")[0], note, re.sub(r"\d+", "", one.path), *map(str, values))
        is_new = kind not in self._kinds
        self._kinds.add(kind)
        return is_new

    def forget(self) -> None:
        """Another test begins: what was found before was its forerunners'."""
        self.found.clear()
        self._kinds.clear()

    def told(self) -> str:
        """All that was found, for a person."""
        return "\n\n".join(map(str, self.found))

    def settle(self) -> None:
        """Wait until both brokers work by all metadata that has been changed.

        Apache answers a change when its controller has it; its broker follows, one change after the other. So when a
        partition that was made after all of them is led, they are all in force.
        """
        for connect in self.connect.values():
            for _ in range(_TRIES):
                # A change of a listener's settings may close connections.
                with suppress(EOFError, ConnectionError), closing(connect()) as client:
                    _make_partition(client, self._barrier)
                    _wait_led(client, self._barrier)
                    break
            else:
                raise AssertionError("a broker closes every connection")
        self._barrier += 1


def _make_partition(client: Any, index: int) -> None:
    if index == 0:
        created = client.ask(CREATE_TOPICS, 5, CreateTopicsRequest([CreatableTopic(BARRIER, 1, 1)]))
        assert created.topics[0].error_code == ErrorCode.NONE, created
        return
    request = CreatePartitionsRequest([CreatePartitionsTopic(BARRIER, index + 1, None)], 30_000)
    result = client.ask(CREATE_PARTITIONS, 3, request).results[0]
    assert result.error_code in (ErrorCode.NONE, ErrorCode.INVALID_PARTITIONS), result  # made before, by an earlier try


def _ranges(connect: Callable[[], Any]) -> dict[int, tuple[int, int]]:
    with closing(connect()) as client:
        response = client.ask(API_VERSIONS, 0, ApiVersionsRequest())
    return {one.api_key: (one.min_version, one.max_version) for one in response.api_keys}


def _wait_led(client: Any, partition: int) -> None:
    request = ListOffsetsRequest(-1, 0, [ListOffsetsTopic(BARRIER, [ListOffsetsPartition(partition, timestamp=-1)])])
    end = time.monotonic() + LIMIT_S
    while client.ask(LIST_OFFSETS, 5, request).topics[0].partitions[0].error_code != 0:
        assert time.monotonic() < end, "a partition that was made has no leader"
