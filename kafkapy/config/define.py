"""One configuration property: its name, type, default, rule and meaning; and a set of values that obey their keys.

A `Key` is a descriptor: `num_partitions = integer("num.partitions", 1, ...)` in a class makes
`config.num_partitions` an `int`. A `Config` is immutable and wholly checked when it is built: whoever holds one need
not check again. Reading files, and knowing where a value came from, is done elsewhere. Source: Apache's `ConfigDef`,
whose wording of complaints about a value is kept, because people search for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Any, ClassVar, Generic, NamedTuple, NoReturn, TypeVar, overload

from kafkapy.config.rule import Rule

T = TypeVar("T")


class ConfigError(ValueError):
    """A property that cannot be accepted; its text is one line that names the property, the value and the rule."""


class Importance(Enum):
    """How likely somebody is to want to change a property."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Scope(Enum):
    """Whether a broker property may change while the broker runs, and for whom (KIP-226)."""

    READ_ONLY = "read-only"
    PER_BROKER = "per-broker"
    CLUSTER_WIDE = "cluster-wide"


class ConfigType(IntEnum):
    """The type's code in a DescribeConfigs response."""

    UNKNOWN = 0
    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


HIGH, MEDIUM, LOW = Importance.HIGH, Importance.MEDIUM, Importance.LOW
PER_BROKER, CLUSTER_WIDE = Scope.PER_BROKER, Scope.CLUSTER_WIDE
INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
DOUBLE_MAX = 1.7976931348623157e308
_BITS = {ConfigType.SHORT: 16, ConfigType.INT: 32, ConfigType.LONG: 64}


class Synonym(NamedTuple):
    """A broker property that gives a topic's or group's property its default, once multiplied by `factor`."""

    name: str
    factor: int = 1


def _invalid(name: str, value: object, why: str) -> NoReturn:
    raise ConfigError(f"Invalid value {value} for configuration {name}: {why}")


def _parse(name: str, kind: ConfigType, text: str) -> Any:
    text = text.strip()
    if kind in _BITS:
        digits = text[1:] if text[:1] in {"+", "-"} else text
        half = 2 ** (_BITS[kind] - 1)
        # int() alone would take "1_000" and numbers of any size, which Java does not.
        if not (digits.isdecimal() and -half <= int(text) < half):
            _invalid(name, text, f"Not a number of type {kind.name}")
        return int(text)
    if kind is ConfigType.BOOLEAN:
        if text.lower() not in {"true", "false"}:
            _invalid(name, text, "Expected value to be either true or false")
        return text.lower() == "true"
    if kind is ConfigType.DOUBLE:
        number = re.fullmatch(
            r"([+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))(?:[fFdD])?", text, re.ASCII
        )
        if number is None:
            _invalid(name, text, "Not a number of type DOUBLE")
        return float(number[1])
    if kind is ConfigType.LIST:
        # A name said twice counts once (KIP-1161).
        return tuple(dict.fromkeys(item.strip() for item in text.split(","))) if text else ()
    return text


def _java_double(value: float) -> str:
    """`value` as Java prints a double: plain from 0.001 up to ten million, else with a capital E and no plus sign."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = repr(value)
        return plain if "e" not in plain else f"{value:f}".rstrip("0")
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        digits, _, exponent = f"{value:.16e}".partition("e")
        digits = digits.rstrip("0")
    digits = digits.rstrip(".")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def to_text(value: object) -> str | None:
    """A property's value as Apache prints it: lists joined with commas, booleans in small letters, None for unset."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


class Key(Generic[T]):
    """A property and its rules; on a `Config` instance, its value.

    It has no `__set__`, so the value a `Config` puts in its own dictionary is found first and costs no call.
    """

    __slots__ = (
        "attribute",
        "default",
        "differs",
        "doc",
        "importance",
        "internal",
        "kind",
        "name",
        "rule",
        "scope",
        "synonyms",
    )

    def __init__(
        self,
        kind: ConfigType,
        name: str,
        default: T,
        importance: Importance,
        doc: str,
        rule: Rule | None = None,
        scope: Scope = Scope.READ_ONLY,
        *,
        synonyms: tuple[Synonym, ...] = (),
        internal: bool = False,
        differs: str = "",
    ) -> None:
        self.kind, self.name, self.default, self.importance, self.doc = kind, name, default, importance, doc
        self.rule, self.scope, self.synonyms, self.internal = rule, scope, synonyms, internal
        self.differs = differs  # why the default is not Apache's, if it is not
        self.attribute = ""

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    @overload
    def __get__(self, instance: None, owner: type) -> Key[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Key[T] | T:
        return self if instance is None else self.default

    def __repr__(self) -> str:
        return f"<Key {self.name}>"

    @property
    def is_sensitive(self) -> bool:
        """Whether the value must never be shown."""
        return self.kind is ConfigType.PASSWORD

    def parse(self, text: str) -> T:
        """The value that `text` means; ConfigError if it is not of this key's type or breaks its rule."""
        value: T = _parse(self.name, self.kind, text)
        complaint = self.rule.complaint(value) if self.rule else None
        if complaint:
            _invalid(self.name, "[hidden]" if self.is_sensitive else to_text(value), complaint)
        return value


def boolean(name: str, default: bool, *details: Any, **more: Any) -> Key[bool]:
    """A key that is true or false; the details are `Key`'s."""
    return Key(ConfigType.BOOLEAN, name, default, *details, **more)


@overload
def integer(name: str, default: int, *details: Any, **more: Any) -> Key[int]: ...
@overload
def integer(name: str, default: None, *details: Any, **more: Any) -> Key[int | None]: ...
def integer(name: str, default: int | None, *details: Any, **more: Any) -> Key[Any]:
    """A key that is a 32-bit number."""
    return Key(ConfigType.INT, name, default, *details, **more)


def short(name: str, default: int, *details: Any, **more: Any) -> Key[int]:
    """A key that is a 16-bit number."""
    return Key(ConfigType.SHORT, name, default, *details, **more)


@overload
def long(name: str, default: int, *details: Any, **more: Any) -> Key[int]: ...
@overload
def long(name: str, default: None, *details: Any, **more: Any) -> Key[int | None]: ...
def long(name: str, default: int | None, *details: Any, **more: Any) -> Key[Any]:
    """A key that is a 64-bit number."""
    return Key(ConfigType.LONG, name, default, *details, **more)


def double(name: str, default: float, *details: Any, **more: Any) -> Key[float]:
    """A key that is a floating-point number."""
    return Key(ConfigType.DOUBLE, name, default, *details, **more)


@overload
def string(name: str, default: str, *details: Any, **more: Any) -> Key[str]: ...
@overload
def string(name: str, default: None, *details: Any, **more: Any) -> Key[str | None]: ...
def string(name: str, default: str | None, *details: Any, **more: Any) -> Key[Any]:
    """A key that is text."""
    return Key(ConfigType.STRING, name, default, *details, **more)


@overload
def names(name: str, default: tuple[str, ...], *details: Any, **more: Any) -> Key[tuple[str, ...]]: ...
@overload
def names(name: str, default: None, *details: Any, **more: Any) -> Key[tuple[str, ...] | None]: ...
def names(name: str, default: tuple[str, ...] | None, *details: Any, **more: Any) -> Key[Any]:
    """A key that is a list of texts, separated by commas."""
    return Key(ConfigType.LIST, name, default, *details, **more)


@overload
def java_class(name: str, default: str, *details: Any, **more: Any) -> Key[str]: ...
@overload
def java_class(name: str, default: None, *details: Any, **more: Any) -> Key[str | None]: ...
def java_class(name: str, default: str | None, *details: Any, **more: Any) -> Key[Any]:
    """A key that names a Java class: kept as text, since there is nothing here to load it with."""
    return Key(ConfigType.CLASS, name, default, *details, **more)


def password(name: str, *details: Any, **more: Any) -> Key[str | None]:
    """A key whose value is secret: unset unless given, and never shown."""
    return Key(ConfigType.PASSWORD, name, None, *details, **more)


class Config:
    """Values for the keys of its class, each given as text or left at its default.

    `given` keeps the text of what was given, by property name. Raises ConfigError for a name that no key has, and for
    a value that its key refuses.
    """

    KEYS: ClassVar[dict[str, Key[Any]]] = {}
    given: Mapping[str, str]

    def __init_subclass__(cls) -> None:
        cls.KEYS = {}
        for part in reversed(cls.__mro__):
            cls.KEYS |= {key.name: key for key in vars(part).values() if isinstance(key, Key)}

    def __init__(self, given: Mapping[str, str]) -> None:
        values = vars(self)
        values["given"] = dict(given)
        for name, text in given.items():
            key = self.KEYS.get(name)
            if key is None:
                raise ConfigError(self.unknown(name))
            values[key.attribute] = key.parse(text)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: build another instead of setting {attribute}")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.text(name)}" for name in self.given)
        return f"{type(self).__name__}({shown})"

    @classmethod
    def unknown(cls, name: str) -> str:
        """What to tell about a name that no key has."""
        return f"Unknown property: {name}"

    def value(self, name: str) -> Any:
        """The value of the property `name`, typed; KeyError if no key has that name."""
        return getattr(self, self.KEYS[name].attribute)

    def text(self, name: str) -> str | None:
        """The value of the property `name` as Apache prints it; None if unset, "[hidden]" if secret."""
        text = to_text(self.value(name))
        return "[hidden]" if text is not None and self.KEYS[name].is_sensitive else text
