"""kafka-topics: create, list, describe, alter and delete topics.

Prints what Apache's TopicCommand of 4.3 prints. Asked with `--zookeeper`, as commands up to 2.x were, it prints what
those of 0.10 printed, because documents of that age quote it. Errors go to standard output after the words
`Error while executing topic command : `, where Apache's command has them, with status 1.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from kafka import KafkaAdminClient
from kafka.errors import for_code

from kafkapy.cli import command, connection
from kafkapy.cli.options import CommandError, Options, key_values, number, property_file
from kafkapy.cli.topic_description import TopicDescription, describe, topic_lines

ACTIONS = ("list", "describe", "create", "alter", "delete")
REPORTS = ("under-replicated-partitions", "under-min-isr-partitions", "at-min-isr-partitions", "unavailable-partitions")
TOPIC_ALREADY_EXISTS = 36
SHORT_MAX = 2**15 - 1


class Admin(Protocol):
    """What these commands ask of kafka-python's KafkaAdminClient."""

    def list_topics(self) -> list[str]: ...
    def describe_topics(self, topics: list[str] | None = None) -> list[dict[str, Any]]: ...
    def create_topics(self, new_topics: Any, raise_errors: bool = True) -> dict[str, Any]: ...
    def create_partitions(self, topic_partitions: Any, raise_errors: bool = True) -> Any: ...
    def delete_topics(self, topics: list[str], raise_errors: bool = True) -> dict[str, Any]: ...
    def describe_topic_partitions(self, topics: list[str], limit: int = 2000, cursor: Any = None) -> dict[str, Any]: ...
    def describe_configs(self, resources: Any, include_synonyms: bool = False, config_filter: str = "all") -> Any: ...
    def describe_cluster(self) -> dict[str, Any]: ...
    def list_partition_reassignments(self) -> dict[Any, dict[str, list[int]]]: ...
    def close(self) -> None: ...


def topic_options() -> Options:
    """The options that kafka-topics takes."""
    options = Options("kafka-topics", "Create, delete, describe, or change a topic.")
    options.add_argument("--bootstrap-server", metavar="HOST:PORT,...", help="the broker to talk to")
    connection.add_zookeeper(options)
    options.add_argument("--command-config", metavar="FILE", help="properties for the client")
    for action in ACTIONS:
        options.add_argument(f"--{action}", action="store_true", help=f"{action} topics")
    options.add_argument("--topic", metavar="NAME", help="the topic; except with --create, a regular expression")
    options.add_argument("--topic-id", metavar="ID", help="the topic to describe, by its id")
    partitions = number("partitions")
    options.add_argument("--partitions", metavar="N", type=partitions, help="partitions to create, or to grow to")
    replicas = number("replication-factor")
    options.add_argument("--replication-factor", metavar="N", type=replicas, help="copies of each partition")
    options.add_argument(
        "--replica-assignment", metavar="ID:ID,...", help="brokers of each partition; between partitions a comma"
    )
    options.add_argument("--config", metavar="K=V", action="append", help="a setting for the new topic (repeatable)")
    options.add_argument("--delete-config", metavar="NAME", action="append", help="no longer does anything")
    options.add_argument("--if-exists", action="store_true", help="do nothing if the topic does not exist")
    options.add_argument("--if-not-exists", action="store_true", help="do nothing if the topic exists already")
    options.add_argument("--exclude-internal", action="store_true", help="leave Kafka's own topics out")
    options.add_argument("--topics-with-overrides", action="store_true", help="only topics with settings of their own")
    for report in REPORTS:
        options.add_argument(f"--{report}", action="store_true", help="only these partitions")
    limit = number("partition-size-limit-per-response")
    options.add_argument(
        "--partition-size-limit-per-response", metavar="N", type=limit, default=None, help="partitions in one response"
    )
    options.add_argument("--force", action="store_true", help=argparse.SUPPRESS)  # 0.10: ask nothing; nothing is asked
    options.add_argument("--disable-rack-aware", action="store_true", help=argparse.SUPPRESS)  # 0.10
    return options


def topics(arguments: Sequence[str], client: Callable[..., Admin] = KafkaAdminClient) -> int:
    """Do what `arguments` ask for; the status. `client` is called as KafkaAdminClient is."""
    options = topic_options()
    values = options.read(arguments)
    check(options, values)
    settings = connection.client_settings(property_file(values.command_config), KafkaAdminClient.DEFAULT_CONFIG)
    brokers = connection.addresses(values)
    if brokers is None:
        raise CommandError("--bootstrap-server must be specified")
    # What is wrong with the request itself is said before anybody is asked.
    assignment = replica_assignment(values.replica_assignment)
    configs = topic_configs(values.config)
    admin = connection.connect(client, brokers, settings)
    try:
        match next(action for action in ACTIONS if getattr(values, action)):
            case "create":
                create(admin, values, assignment, configs)
            case "list":
                print_list(admin, values)
            case "describe":
                print_descriptions(admin, values)
            case "alter":
                alter(admin, values, assignment)
            case _:
                delete(admin, values)
    finally:
        admin.close()
    return 0


def check(options: Options, values: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    chosen = [action for action in ACTIONS if getattr(values, action)]
    if len(chosen) != 1:
        options.refuse("Command must include exactly one action: --list, --describe, --create, --alter or --delete")
    action = chosen[0]
    if action not in ("list", "describe"):
        options.require(values, "topic")
    if action == "describe" and values.if_exists and not (values.topic or values.topic_id):
        options.refuse("--topic or --topic-id is required to describe a topic")
    if action == "alter":
        if values.config:
            options.refuse(
                'Option combination "[[config], [bootstrap-server]]" can\'t be used with option "[alter]"'
                " (To alter topic configurations, the kafka-configs tool can be used.)"
            )
        options.require(values, "partitions")
    others = set(ACTIONS)
    options.forbid_together(values, "config", sorted(others - {"alter", "create"}))
    options.forbid_together(values, "partitions", sorted(others - {"alter", "create"}))
    options.forbid_together(values, "replication-factor", sorted(others - {"create"}))
    options.forbid_together(values, "replica-assignment", sorted(others - {"alter", "create"}))
    if action == "create":
        options.forbid_together(values, "replica-assignment", ["partitions", "replication-factor"])
    for report in REPORTS:
        options.forbid_together(values, report, [*sorted(others - {"describe"}), "topics-with-overrides"])
        options.forbid_together(values, report, [other for other in REPORTS if other != report])
    options.forbid_together(values, "topics-with-overrides", sorted(others - {"describe"}))
    options.forbid_together(values, "if-exists", sorted(others - {"alter", "delete", "describe"}))
    options.forbid_together(values, "if-not-exists", sorted(others - {"create"}))
    options.forbid_together(values, "exclude-internal", sorted(others - {"list", "describe"}))


def create(admin: Admin, values: argparse.Namespace, assignment: dict[int, list[int]], configs: dict[str, str]) -> None:
    """Create the topic and say so."""
    name = values.topic
    if "." in name or "_" in name:
        print(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide."
            " To avoid issues it is best to use either, but not both."
        )
    if values.replication_factor is not None and not 1 <= values.replication_factor <= SHORT_MAX:
        raise CommandError(f"The replication factor must be between 1 and {SHORT_MAX} inclusive")
    if values.partitions is not None and values.partitions < 1:
        raise CommandError("The partitions must be greater than 0")
    wanted: dict[str, Any] = {"configs": configs}
    if assignment:
        wanted["assignments"] = assignment
    else:
        wanted["num_partitions"] = -1 if values.partitions is None else values.partitions
        wanted["replication_factor"] = -1 if values.replication_factor is None else values.replication_factor
    for answer in admin.create_topics({name: wanted}, raise_errors=False)["topics"]:
        if answer["error_code"] == TOPIC_ALREADY_EXISTS and values.if_not_exists:
            continue
        fail_on_error(answer["error_code"], answer.get("error_message"))
        print(f'Created topic "{name}".' if values.zookeeper else f"Created topic {name}.")


def print_list(admin: Admin, values: argparse.Namespace) -> None:
    """One topic a line; today's command prints an empty line where there is none."""
    names = matching(admin, values.topic, values.exclude_internal)
    if names or not values.zookeeper:
        print("\n".join(names))


def print_descriptions(admin: Admin, values: argparse.Namespace) -> None:
    """A line for each topic, and one for each of its partitions."""
    by_id = decoded_topic_id(values.topic_id)
    if by_id is not None:
        found = [topic["name"] for topic in admin.describe_topics() if uuid.UUID(str(topic["topic_id"])) == by_id]
        if not found and not values.if_exists:
            raise CommandError(f"TopicId '{values.topic_id}' does not exist as expected")
    else:
        found = matching(admin, values.topic, values.exclude_internal)
        must_exist(found, values)
    only = next((report for report in REPORTS if getattr(values, report.replace("-", "_"))), None)
    limit = values.partition_size_limit_per_response or 2000
    described: list[TopicDescription] = describe(admin, found, limit) if found else []
    for topic in described:
        for line in topic_lines(topic, only, values.topics_with_overrides, old_style=bool(values.zookeeper)):
            print(line)


def alter(admin: Admin, values: argparse.Namespace, assignment: dict[int, list[int]]) -> None:
    """Give the topics more partitions."""
    found = matching(admin, values.topic, exclude_internal=False)
    must_exist(found, values)
    if not found:
        return
    if values.zookeeper:
        print(
            "WARNING: If partitions are increased for a topic that has a key, "
            "the partition logic or ordering of the messages will be affected"
        )
    grown: dict[str, Any] = dict.fromkeys(found, values.partitions)
    if assignment:
        # The assignment names all partitions; the broker wants only those of the new ones.
        for topic in admin.describe_topics(found):
            new = [assignment[index] for index in sorted(assignment)][len(topic["partitions"]) :]
            grown[topic["name"]] = {"count": values.partitions, "assignments": new}
    for answer in admin.create_partitions(grown, raise_errors=False).results:
        fail_on_error(answer.error_code, answer.error_message)
    if values.zookeeper:
        print("Adding partitions succeeded!")


def delete(admin: Admin, values: argparse.Namespace) -> None:
    """Delete the topics; today's command says nothing when that has worked."""
    found = matching(admin, values.topic, exclude_internal=False)
    must_exist(found, values)
    if not found:
        return
    for answer in admin.delete_topics(found, raise_errors=False)["topics"]:
        fail_on_error(answer["error_code"], answer.get("error_message"))
        if values.zookeeper:
            print(f"Topic {answer['name']} is marked for deletion.")
            print("Note: This will have no impact if delete.topic.enable is not set to true.")


def matching(admin: Admin, pattern: str | None, exclude_internal: bool) -> list[str]:
    """The topics whose whole name matches `pattern`, in order; a comma in it stands for `or` (Apache's IncludeList)."""
    names = sorted(admin.list_topics())
    if exclude_internal:
        names = [name for name in names if not name.startswith("__")]
    if pattern is None:
        return names
    expression = re.sub(r"\s", "", pattern.replace(",", "|")).strip("\"'")
    try:
        allowed = re.compile(expression)
    except re.error as failure:
        raise CommandError(f"{pattern} is an invalid regex: {failure}") from None
    return [name for name in names if allowed.fullmatch(name)]


def must_exist(found: list[str], values: argparse.Namespace) -> None:
    """Fail if a topic was asked for by name and there is none."""
    if values.topic and not found and not values.if_exists:
        raise CommandError(f"Topic '{values.topic}' does not exist as expected")


def replica_assignment(text: str | None) -> dict[int, list[int]]:
    """`1:2,2:1` as the brokers of each partition."""
    assignment: dict[int, list[int]] = {}
    for partition, listed in enumerate(text.split(",") if text else []):
        try:
            brokers = [int(broker) for broker in listed.split(":")]
        except ValueError:
            raise CommandError(f"Broker ids in a replica assignment are numbers, not '{listed}'") from None
        repeated = sorted({broker for broker in brokers if brokers.count(broker) > 1})
        if repeated:
            listing = ",".join(map(str, repeated))
            raise CommandError(f"Partition replica lists may not contain duplicate entries: {listing}")
        assignment[partition] = brokers
        if len(brokers) != len(assignment[0]):
            raise CommandError(f"Partition {partition} has different replication factor: {brokers}")
    return assignment


def topic_configs(arguments: list[str] | None) -> dict[str, str]:
    """The settings of a new topic, without the spaces around them."""
    if any("=" not in argument for argument in arguments or []):
        raise CommandError(
            'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".'
        )
    return {key.strip(): value.strip() for key, value in key_values(arguments or []).items()}


def decoded_topic_id(text: str | None) -> uuid.UUID | None:
    """A topic's id from Kafka's way to write it: base64 for URLs, unpadded. All zeros are no id."""
    if text is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise CommandError(f"Input string `{text}` is not the base64 of a UUID") from None
    if len(decoded) != 16:
        raise CommandError(
            f"Input string `{text}` decoded as {len(decoded)} bytes, "
            "which is not equal to the expected 16 bytes of a base64-encoded UUID"
        )
    identity = uuid.UUID(bytes=decoded)
    return identity if identity.int else None


def fail_on_error(code: int, message: str | None) -> None:
    """Raise what the broker answered, in its own words where it gave any."""
    if code:
        error = for_code(code)
        raise CommandError(message or error.description or error.__name__)


def complain(failure: str) -> None:
    """Errors are on standard output, where Apache's command has them."""
    print(f"Error while executing topic command : {failure}")


def main() -> None:
    """The command line."""
    command.run(topics, complain)


if __name__ == "__main__":
    main()
