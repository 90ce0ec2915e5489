"""server.properties: a file in Java's notation, and key=value overrides, made into a BrokerConfig.

A name that no release of Kafka knows is refused, with the nearest known one as a hint, because a property that is
misspelt and skipped in silence costs somebody an evening. (Apache skips them.) Names that belong to plugins, and those
that a listener's own prefix begins, are ignored with a notice. Java's escapes and continued lines are read by
`javaproperties`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from kafkapy.config.broker import BrokerConfig
from kafkapy.config.define import ConfigError
from kafkapy.config.listener import LISTENER_LIMITS, property_of_listener
from kafkapy.config.obsolete import reason_to_ignore, translate

# Handed on to classes that the file names; nothing here can load those.
_PLUGIN_PREFIXES = ("listener.name.", "config.providers.", "rsm.config.", "rlmm.config.", "remote.log.metadata.")


class _Given(NamedTuple):
    text: str
    place: str  # where it was read, for messages


def load(path: Path | str | None = None, overrides: Iterable[str] = ()) -> BrokerConfig:
    """The broker's configuration from a properties file, if one is named, and key=value texts that win over it.

    Raises ConfigError, in one line, for a file that cannot be read, an unknown name and a value that is not allowed.
    """
    given: dict[str, _Given] = {}
    if path is not None:
        given |= _read(Path(path))
    for override in overrides:
        name, equals, text = override.partition("=")
        if not (name.strip() and equals):
            raise ConfigError(f"Cannot read the override {override!r}: give key=value")
        given[name.strip()] = _Given(text.strip(), "override")
    texts: dict[str, str] = {}
    ignored: list[str] = []
    of_listeners: dict[str, str] = {}
    for name, text in translate({name: each.text for name, each in given.items()}).items():
        limit = property_of_listener(name)
        key = BrokerConfig.KEYS.get(limit if limit in LISTENER_LIMITS else name)
        if key is None:
            ignored.append(f"{given[name].place}: {name} is ignored: {_reason(name, given[name])}")
            continue
        try:
            key.parse(text)
        except ConfigError as error:
            place = given[name].place if name in given else str(path or "override")
            raise ConfigError(f"{place}: {error}") from None
        (texts if key.name == name else of_listeners)[name] = text
    try:
        return BrokerConfig(texts, ignored, of_listeners)
    except ConfigError as error:
        raise ConfigError(f"{path or 'override'}: {error}") from None


def _reason(name: str, given: _Given) -> str:
    """Why a property that is not in the table has no effect; ConfigError if nobody ever heard of it."""
    reason = reason_to_ignore(name)
    if reason is not None:
        return reason
    if name.startswith(_PLUGIN_PREFIXES):
        return "it is for a plugin or a secured listener, and there are none here"
    # Needed only on the way out, and not free to import.
    import difflib  # noqa: PLC0415

    nearest = difflib.get_close_matches(name, BrokerConfig.KEYS, n=1, cutoff=0.6)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    raise ConfigError(f"{given.place}: unknown property {name}{hint}")


def _read(path: Path) -> dict[str, _Given]:
    # A server started without a file never needs it, and it takes longer to import than all of this package.
    import javaproperties  # noqa: PLC0415

    try:
        content = path.read_text(encoding="utf-8")
        elements = list(javaproperties.parse(content))
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"Cannot read the configuration file {path}: it is not UTF-8") from None
    except javaproperties.InvalidUEscapeError as error:
        raise ConfigError(f"Cannot read the configuration file {path}: {error}") from None
    given: dict[str, _Given] = {}
    line = 1
    for element in elements:
        if isinstance(element, javaproperties.KeyValue):
            given[element.key] = _Given(element.value, f"{path}, line {line}")
        line += element.source.count("\n")
    return given
