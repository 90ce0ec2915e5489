"""An API: its key, its request and its response, and which header version goes before each of them.

Every file in `messages` declares one. `find_apis` is the table of all of them, which ApiVersions, the server and
clients share.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from typing import Any

from kafkapy.protocol.message import Versions, is_flexible, versions_of

API_VERSIONS_KEY = 18


@dataclass(frozen=True, slots=True)
class Api:
    """One API of Kafka's protocol.

    `stable` is given where Kafka has declared a newer version that brokers do not speak yet (`latestVersionUnstable`
    in Apache's definitions): the message is declared for it, ApiVersions and the server stop before it.
    """

    key: int
    request: type[Any]
    response: type[Any]
    stable: str = ""
    versions: Versions = field(init=False)
    """Every version that may be spoken, from the oldest there ever was."""

    def __post_init__(self) -> None:
        # Asked for several times in every request.
        versions = Versions.parse(self.stable) if self.stable else versions_of(self.request)
        object.__setattr__(self, "versions", versions)

    @property
    def name(self) -> str:
        return self.request.__name__.removesuffix("Request")

    def request_header_version(self, version: int) -> int:
        """2 (tagged fields) from the first flexible version, 1 before."""
        return 2 if is_flexible(self.request, version) else 1

    def response_header_version(self, version: int) -> int:
        """1 (tagged fields) from the first flexible version, 0 before.

        ApiVersions always has 0: a client reads it before it knows what the broker speaks (KIP-511).
        """
        return 1 if self.key != API_VERSIONS_KEY and is_flexible(self.response, version) else 0


def find_apis() -> dict[int, Api]:
    """Every API declared in `kafkapy.protocol.messages`, by key, in order of keys."""
    from kafkapy.protocol import messages  # noqa: PLC0415  # the declarations import this module

    found: dict[int, Api] = {}
    for module_info in pkgutil.iter_modules(messages.__path__):
        module = importlib.import_module(f"{messages.__name__}.{module_info.name}")
        found.update({item.key: item for item in vars(module).values() if isinstance(item, Api)})
    return dict(sorted(found.items()))
