"""python-snappy's two functions, over snappy-java."""

from org.xerial.snappy import Snappy


def compress(data):
    return Snappy.compress(bytes(data)).tostring()


def decompress(data):
    return Snappy.uncompress(bytes(data)).tostring()
