"""python-snappy's two functions, over snappy-java."""

from array import array

from org.xerial.snappy import Snappy


def compress(data):
    # As an array: a string would choose the function that compresses text.
    return Snappy.compress(array("b", bytes(data))).tostring()


def decompress(data):
    return Snappy.uncompress(bytes(data)).tostring()
