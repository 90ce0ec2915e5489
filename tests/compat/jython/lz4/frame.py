"""The `lz4.frame` functions that kafka-python uses, over lz4-java."""

from jarray import zeros
from java.io import ByteArrayInputStream, ByteArrayOutputStream
from net.jpountz.lz4 import LZ4FrameInputStream, LZ4FrameOutputStream


def compress(data):
    out = ByteArrayOutputStream()
    stream = LZ4FrameOutputStream(out, LZ4FrameOutputStream.BLOCKSIZE.SIZE_64KB)
    stream.write(bytes(data))
    stream.close()
    return out.toByteArray().tostring()


def decompress(data):
    stream = LZ4FrameInputStream(ByteArrayInputStream(bytes(data)))
    out = ByteArrayOutputStream()
    chunk = zeros(65536, "b")
    count = stream.read(chunk)
    while count >= 0:
        out.write(chunk, 0, count)
        count = stream.read(chunk)
    return out.toByteArray().tostring()
