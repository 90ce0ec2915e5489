"""CPython's `selectors` for Jython, over Jython's own `select.poll`.

The copy that old kafka-python brings along wants sockets to have integer descriptors, which the JVM's do not.
"""

import collections
import select

EVENT_READ = 1
EVENT_WRITE = 2
SelectorKey = collections.namedtuple("SelectorKey", ["fileobj", "fd", "events", "data"])


class DefaultSelector(object):
    def __init__(self):
        self._poll = select.poll()
        self._keys = {}

    def register(self, fileobj, events, data=None):
        if fileobj in self._keys:
            raise KeyError("%r is already registered" % (fileobj,))
        key = SelectorKey(fileobj, fileobj, events, data)
        self._keys[fileobj] = key
        mask = (select.POLLIN if events & EVENT_READ else 0) | (select.POLLOUT if events & EVENT_WRITE else 0)
        self._poll.register(fileobj, mask)
        return key

    def unregister(self, fileobj):
        key = self._keys.pop(fileobj)
        self._poll.unregister(fileobj)
        return key

    def get_key(self, fileobj):
        return self._keys[fileobj]

    def get_map(self):
        return self._keys

    def select(self, timeout=None):
        ready = []
        for fileobj, seen in self._poll.poll(-1 if timeout is None else max(0, timeout * 1000.0)):
            key = self._keys.get(fileobj)
            if key is None:
                continue
            events = (EVENT_WRITE if seen & select.POLLOUT else 0) | (EVENT_READ if seen & ~select.POLLOUT else 0)
            if events & key.events:
                ready.append((key, events & key.events))
        return ready

    def close(self):
        self._keys.clear()
