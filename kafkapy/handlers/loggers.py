"""The broker's loggers as a resource of the configuration APIs: their levels, for the life of the process (KIP-412).

Names are those of Python's loggers, `root` for all of them; levels are those of log4j. Apache's class:
`RuntimeLoggerManager`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kafkapy.config_check import check_broker_id
from kafkapy.metadata.config_changes import DELETE, SET
from kafkapy.protocol.errors import ErrorCode, KafkaError
from kafkapy.protocol.messages.incremental_alter_configs import AlterableConfig

BROKER_LOGGER_RESOURCE = 8
ROOT = "root"
_OURS = "kafkapy"
_LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50}
_NAMES = {number: name for name, number in _LEVELS.items()}


def logger_levels() -> dict[str, str]:
    """The level that counts for each logger of the broker."""
    return {name: _level_name(found) for name, found in sorted(_loggers().items())}


def alter_loggers(
    broker: str, changes: Sequence[AlterableConfig], node_id: int, *, validate_only: bool = False
) -> None:
    """Set levels, or let loggers follow their parents again: all of `changes`, or none.

    Raises KafkaError: INVALID_REQUEST (another broker, an operation that levels do not have, the root logger without a
    level), INVALID_CONFIG (no such logger, no such level).
    """
    check_broker_id(broker, node_id)
    loggers = _loggers()
    for change in changes:
        _check(change, loggers)
    for change in () if validate_only else changes:
        level = logging.NOTSET if change.config_operation == DELETE else _LEVELS[change.value or ""]
        loggers[change.name].setLevel(level)


def _check(change: AlterableConfig, loggers: dict[str, logging.Logger]) -> None:
    if change.config_operation not in (SET, DELETE):
        why = f"operation {change.config_operation} is not allowed for loggers: choose 0 set or 1 delete"
        raise KafkaError(ErrorCode.INVALID_REQUEST, why)
    if change.config_operation == DELETE and change.name == ROOT:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "the root logger must have a level; set another one")
    if change.name not in loggers:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {change.name} does not exist!")
    if change.config_operation == SET and change.value not in _LEVELS:
        why = f"{change.value!r} is no level for logger {change.name}: choose one of {', '.join(_LEVELS)}"
        raise KafkaError(ErrorCode.INVALID_CONFIG, why)


def _loggers() -> dict[str, logging.Logger]:
    root = logging.getLogger()
    ours = {name: found for name, found in root.manager.loggerDict.items() if name.startswith(f"{_OURS}.")}
    loggers = {name: found for name, found in ours.items() if isinstance(found, logging.Logger)}
    return {ROOT: root, _OURS: logging.getLogger(_OURS)} | loggers


def _level_name(logger: logging.Logger) -> str:
    level = logger.getEffectiveLevel()
    return _NAMES[max((number for number in _NAMES if number <= level), default=_LEVELS["TRACE"])]
