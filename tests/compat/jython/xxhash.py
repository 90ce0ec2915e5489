"""xxhash's `xxh32`, over lz4-java: kafka-python needs it for the header checksum that old formats get wrong."""

import struct

from net.jpountz.xxhash import XXHashFactory


class xxh32(object):  # the library's own name
    def __init__(self, data, seed=0):
        data = bytes(data)
        self._value = XXHashFactory.safeInstance().hash32().hash(data, 0, len(data), seed) & 0xFFFFFFFF

    def intdigest(self):
        return self._value

    def digest(self):
        return struct.pack(">I", self._value)
