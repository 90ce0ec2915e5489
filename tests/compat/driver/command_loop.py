"""The command loop that every client script runs: commands in on standard input, events out on standard output.

One JSON object a line each way. It reads as Python 2.7 as well as 3, because Jython runs it too. A script gives `serve`
an adapter, an object with these methods, and nothing here knows which client is behind it:

    produce(topic, records, compression, flush_each) -> [{"partition", "offset"}, ...]
    create_topic(topic, partitions)
    open_consumer(topic, group, assign, offset_reset, auto_commit, session_timeout_ms)
    poll() -> [record, ...]      waits a fraction of a second at most
    positions() -> {"0": 12}     partitions that are assigned, each with the next offset to read, None while unknown
    commit(record)               the record's offset + 1, answered before it returns
    close_consumer()

and those of clients that have transactions:

    begin(transactional_id)      a producer of that id, made anew if there is none, begins a transaction
    send(topic, values)          to partition 0, acknowledged before it returns
    send_offset(topic, offset, group)
    end(commit)
    read(topic, isolation_level, count) -> [value, ...]      partition 0 from its beginning, at least `count`
    committed_offset(topic, group) -> offset

While a consumer is open it is polled without pause, as an application would: old clients only heartbeat then. Events:
`assigned` whenever its partitions change, `record` for each record, `committed` after each commit, `stopped` at the
offset where it was told to stop.
"""

from __future__ import print_function

import json
import sys
import threading
import traceback

try:
    import queue
except ImportError:
    import Queue as queue  # noqa: N813  # Python 2's name


def say(event, **fields):
    """Print one event, at once."""
    fields["event"] = event
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def text(data):
    """Bytes as text, for JSON; None stays None."""
    return None if data is None else bytes(data).decode("utf-8")


def _read_commands(commands):
    for line in iter(sys.stdin.readline, ""):
        commands.put(json.loads(line))
    commands.put({"do": "exit"})


class Loop(object):
    def __init__(self, adapter):
        self._adapter = adapter
        self._consuming = None
        self._partitions = None

    def obey(self, command):
        """Do one command; its reply is an event of the command's own name."""
        what = command.pop("do")
        reply = {}
        if what == "produce":
            reply = {"acks": self._adapter.produce(**command)}
        elif what == "create_topic":
            self._adapter.create_topic(**command)
        elif what == "consume":
            self._consuming = {"commit": command.pop("commit"), "until": command.pop("until")}
            self._partitions = None
            self._adapter.open_consumer(**command)
        elif what in ("begin", "send", "send_offset", "end", "read", "committed_offset"):
            reply = {"result": getattr(self._adapter, what)(**command)}
        elif what == "close":
            self._consuming = None
            self._adapter.close_consumer()
        else:
            raise ValueError("unknown command %r" % (what,))
        say(what, **reply)

    @property
    def consuming(self):
        return self._consuming is not None

    def step(self):
        """Poll once and tell what came of it."""
        records = self._adapter.poll()
        self._tell_assignment(records)
        for record in records:
            say("record", **record)
            if self._consuming["commit"]:
                self._adapter.commit(record)
                say("committed", partition=record["partition"], offset=record["offset"] + 1)
            if record["offset"] == self._consuming["until"]:
                self._consuming = None
                say("stopped", offset=record["offset"])
                return

    def _tell_assignment(self, records):
        positions = self._adapter.positions()
        # A position lies behind the records in hand: where a new partition starts is seen from its first record.
        for record in reversed(records):
            positions[str(record["partition"])] = record["offset"]
        if None in positions.values():
            return
        if self._partitions != sorted(positions) and (positions or self._partitions is not None):
            self._partitions = sorted(positions)
            say("assigned", positions=positions)


def serve(adapter):
    """Obey commands until standard input ends."""
    commands = queue.Queue()
    reader = threading.Thread(target=_read_commands, args=(commands,))
    reader.daemon = True
    reader.start()
    loop = Loop(adapter)
    say("ready")
    while True:
        try:
            command = None
            try:
                command = commands.get(not loop.consuming)
            except queue.Empty:
                loop.step()
            if command is not None:
                if command["do"] == "exit":
                    return
                loop.obey(command)
        except Exception:  # the test that drives this wants to see any error
            say("failed", why=traceback.format_exc())
