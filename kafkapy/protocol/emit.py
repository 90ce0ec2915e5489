"""Construct tree to straight-line Python: the decoder and encoder that serve.

The schema of one message version is walked once and a function written for it: runs of fixed-size fields become one
`struct` call, everything else is inlined, arrays are loops in place. Both functions accept and produce exactly what the
interpreted schema does; a parity test holds the two together. `source` shows what was written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

from construct import BytesInteger, Construct, FormatField

from kafkapy.protocol import wire as w
from kafkapy.protocol.message import default_of, wires

Decoder = Callable[[Any, int], tuple[Any, int]]
Encoder = Callable[[Any, Callable[[Any], None]], None]


class TruncatedError(Exception):
    """The bytes end before the message, or a length, count or tag in it cannot be true."""


def compile_decoder(schema: w.Fields) -> Decoder:
    """`decode(data, position) -> (message, position behind it)`.

    `data` is bytes, a bytearray or a memoryview; records come back as views of it. Raises TruncatedError, IndexError or
    struct.error where the bytes are no such message: what is wrong, and where, the schema tells when it parses them.
    """
    emitter = _DecoderEmitter()
    return emitter.finish(schema)


def compile_encoder(schema: w.Fields) -> Encoder:
    """`encode(message, write)` calls `write` with each chunk: bytes, or a records field's value as it stands."""
    emitter = _EncoderEmitter()
    return emitter.finish(schema)


def source(schema: w.Fields) -> str:
    """The Python that was written for a schema: decoder, then encoder."""
    decoder, encoder = _DecoderEmitter(), _EncoderEmitter()
    decoder.finish(schema)
    encoder.finish(schema)
    return f"{decoder.text}\n\n{encoder.text}"


def read_unsigned_varint(data: Any, p: int, first: int) -> tuple[int, int]:
    """The rest of a varint whose first byte, already read, has its high bit set."""
    value = first & 0x7F
    for shift in range(7, 35, 7):
        byte = data[p]
        p += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > w.MAX_UNSIGNED_VARINT:
                break
            return value, p
    raise TruncatedError


def unsigned_varint(value: int) -> bytes:
    """The base-128 bytes of a number of at most 32 bits."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def skip_tags(data: Any, p: int, count: int, end: int) -> int:
    """The position behind `count` tagged fields that nobody knows."""
    for _ in range(count):
        _, p = _varint(data, p)
        size, p = _varint(data, p)
        p += size
        if p > end:
            raise TruncatedError
    return p


def _varint(data: Any, p: int) -> tuple[int, int]:
    first = data[p]
    return (first, p + 1) if first < 0x80 else read_unsigned_varint(data, p + 1, first)


_VARINT_TABLE = [unsigned_varint(value) for value in range(4096)]
_INT16_TABLE = [struct.pack(">h", value) for value in range(4096)]


def compact_length(length: int) -> bytes:
    """Length + 1 as a varint; 0 is null."""
    if length > w.MAX_INT32:
        raise ValueError(f"length {length} is above the protocol's limit")
    return _VARINT_TABLE[length + 1] if length < 4095 else unsigned_varint(length + 1)


_TOOLS: dict[str, Any] = {
    "UUID": UUID,
    "Truncated": TruncatedError,
    "read_uvarint": read_unsigned_varint,
    "varint": _varint,
    "skip_tags": skip_tags,
    "compact": compact_length,
    "uvarint": unsigned_varint,
    "unpack_from": struct.unpack_from,
    "pack": struct.pack,
    "pack_int16": struct.Struct(">h").pack,
    "pack_int32": struct.Struct(">i").pack,
}


def _format_of(item: Construct) -> str | None:
    """The struct character of a fixed-size construct, None for all others."""
    if isinstance(item, FormatField):
        return str(item.fmtstr).lstrip("<>=")
    if isinstance(item, BytesInteger):
        return {1: "b", 2: "h", 4: "i", 8: "q"}[item.length]
    if item is w.Boolean:
        return "B"
    return "16s" if item is w.Uuid else None


class _Emitter:
    """Lines of a function under way, its indentation, fresh names and the objects that it refers to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.scope: dict[str, Any] = dict(_TOOLS)
        self.text = ""

    def put(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def refer(self, stem: str, value: Any) -> str:
        for name, known in self.scope.items():
            if known is value:
                return name
        name = self.name(stem)
        self.scope[name] = value
        return name

    def struct(self, formats: str) -> struct.Struct:
        return struct.Struct(f">{formats}")

    def compile(self, head: str) -> Any:
        self.text = "\n".join([head, *self.lines])
        exec(compile(self.text, f"<emitted {head}>", "exec"), self.scope)  # noqa: S102  # our own text, no input in it
        return self.scope["emitted"]


class _DecoderEmitter(_Emitter):
    def finish(self, schema: w.Fields) -> Decoder:
        self.put("end = len(data)")
        result = self.fields(schema)
        self.put(f"return {result}, p")
        decoder: Decoder = self.compile("def emitted(data, p):")
        return decoder

    def fields(self, schema: w.Fields) -> str:
        """Decode a structure; the result is an expression that makes it."""
        values: dict[str, str] = {}
        run: list[tuple[str, str]] = []
        for name, item in schema.fields:
            character = _format_of(item)
            if character is None:
                self.unpack(run)
                values[name] = self.value(item)
                continue
            variable = self.name("v")
            run.append((variable, character))
            values[name] = {"B": f"{variable} != 0", "16s": f"UUID(bytes={variable})"}.get(character, variable)
        if schema.tagged is None:
            self.unpack(run)
        else:
            values |= self.tags(schema, schema.tagged, run)
        return self.construct(schema, values)

    def construct(self, schema: w.Fields, values: dict[str, str]) -> str:
        arguments = []
        for name in wires(schema.cls):
            if name in values:
                arguments.append(values[name])
                continue
            default = default_of(schema.cls, name)
            plain = default is None or isinstance(default, (int, str, bytes, float))
            if default == []:
                arguments.append("[]")
            elif plain:
                arguments.append(repr(default))
            elif isinstance(default, UUID):
                arguments.append(self.refer("constant", default))
            else:
                arguments.append(f"{self.refer('Make', type(default))}()")
        return f"{self.refer('Make', schema.cls)}({', '.join(arguments)})"

    def unpack(self, run: list[tuple[str, str]]) -> None:
        if not run:
            return
        layout = self.struct("".join(character for _, character in run))
        names = ", ".join(variable for variable, _ in run)
        self.put(f"{names}, = {self.refer('unpack', layout.unpack_from)}(data, p)")
        self.put(f"p += {layout.size}")
        run.clear()

    def tags(self, schema: w.Fields, tagged: w.TaggedFields, run: list[tuple[str, str]]) -> dict[str, str]:
        """The tagged section. Its count is nearly always one zero byte, so that byte joins the run before it."""
        count = self.name("tags")
        run.append((count, "B"))
        self.unpack(run)
        values: dict[str, str] = {}
        for name, _, _ in tagged.known.values():
            values[name] = self.name("v")
            default = default_of(schema.cls, name)
            if default is None or isinstance(default, (int, str, bytes, float)):
                self.put(f"{values[name]} = {default!r}")
            elif isinstance(default, UUID):
                self.put(f"{values[name]} = {self.refer('constant', default)}")
            else:
                self.put(f"{values[name]} = {self.refer('Make', type(default))}()")
        self.put(f"if {count}:")
        self.depth += 1
        self.put(f"if {count} > 127: {count}, p = read_uvarint(data, p, {count})")
        if not tagged.known:
            self.put(f"p = skip_tags(data, p, {count}, end)")
            self.depth -= 1
            return values
        self.put(f"for _ in range({count}):")
        self.depth += 1
        tag, size, stop = self.name("tag"), self.name("size"), self.name("stop")
        self.put(f"{tag}, p = varint(data, p)")
        self.put(f"{size}, p = varint(data, p)")
        self.put(f"{stop} = p + {size}")
        self.put(f"if {stop} > end: raise Truncated")
        for number, (name, item, _) in tagged.known.items():
            self.put(f"if {tag} == {number}:")
            self.depth += 1
            self.put(f"{values[name]} = {self.value(item)}")
            self.put(f"if p != {stop}: raise Truncated")
            self.depth -= 1
        self.put(f"p = {stop}")
        self.depth -= 2
        return values

    def value(self, item: Construct) -> str:
        """Decode one value; the result is an expression for it, to be used once and at once."""
        character = _format_of(item)
        if character is not None:
            variable = self.name("v")
            self.unpack([(variable, character)])
            return {"B": f"{variable} != 0", "16s": f"UUID(bytes={variable})"}.get(character, variable)
        if isinstance(item, w.Sized):
            return self.sized(item)
        if isinstance(item, w.Counted):
            return self.counted(item)
        if isinstance(item, w.OptionalFields):
            present, result = self.name("n"), self.name("v")
            self.unpack([(present, "b")])
            self.put(f"if {present} < 0: {result} = None")
            self.put("else:")
            self.depth += 1
            self.put(f"{result} = {self.fields(item.subcon)}")
            self.depth -= 1
            return result
        if isinstance(item, w.Fields):
            result = self.name("v")
            self.put(f"{result} = {self.fields(item)}")
            return result
        raise TypeError(f"no code is known for {type(item).__name__}")

    def length(self, length: w.Length) -> str:
        n = self.name("n")
        if length is w.COMPACT:
            self.put(f"{n} = data[p]; p += 1")
            self.put(f"if {n} > 127: {n}, p = read_uvarint(data, p, {n})")
            self.put(f"{n} -= 1")
        else:
            self.unpack([(n, "h" if length is w.INT16 else "i")])
        return n

    def sized(self, item: w.Sized) -> str:
        n, stop, result = self.length(item.length), self.name("stop"), self.name("v")
        taken = {
            "text": f"str(data[p:{stop}], 'utf-8', 'replace')",
            "bytes": f"bytes(data[p:{stop}])",
            "records": f"memoryview(data)[p:{stop}]",
        }[item.kind]
        self.put(f"if {n} < 0:")
        self.put(f"    {result} = None" if item.nullable else "    raise Truncated")
        self.put("else:")
        self.depth += 1
        self.put(f"{stop} = p + {n}")
        self.put(f"if {stop} > end: raise Truncated")
        self.put(f"{result} = {taken}")
        self.put(f"p = {stop}")
        self.depth -= 1
        return result

    def counted(self, item: w.Counted) -> str:
        n, result = self.length(item.length), self.name("v")
        self.put(f"if {n} < 0:")
        self.put(f"    {result} = None" if item.nullable else "    raise Truncated")
        self.put("else:")
        self.depth += 1
        self.put(f"if {n} > end - p: raise Truncated")
        character = _format_of(item.element)
        if character is not None and character not in ("B", "16s"):
            self.put(f"{result} = list(unpack_from(f'>{{{n}}}{character}', data, p))")
            self.put(f"p += {struct.calcsize('>' + character)} * {n}")
        else:
            add = self.name("add")
            self.put(f"{result} = []; {add} = {result}.append")
            self.put(f"for _ in range({n}):")
            self.depth += 1
            element = self.fields(item.element) if isinstance(item.element, w.Fields) else self.value(item.element)
            self.put(f"{add}({element})")
            self.depth -= 1
        self.depth -= 1
        return result


class _EncoderEmitter(_Emitter):
    def finish(self, schema: w.Fields) -> Encoder:
        self.fields(schema, "message")
        if not self.lines:
            self.put("return")
        encoder: Encoder = self.compile("def emitted(message, write):")
        return encoder

    def fields(self, schema: w.Fields, owner: str) -> None:
        run: list[tuple[str, str]] = []
        for name, item in schema.fields:
            character = _format_of(item)
            if character is None:
                self.pack(run)
                variable = self.name("v")
                self.put(f"{variable} = {owner}.{name}")
                self.value(item, variable)
            else:
                run.append((self.fixed(f"{owner}.{name}", character), character))
        if schema.tagged is not None and not schema.tagged.known:
            run.append(("0", "B"))
        self.pack(run)
        if schema.tagged is not None and schema.tagged.known:
            self.tags(schema.tagged, owner)

    def fixed(self, expression: str, character: str) -> str:
        return {"B": f"1 if {expression} else 0", "16s": f"{expression}.bytes"}.get(character, expression)

    def pack(self, run: list[tuple[str, str]]) -> None:
        if run:
            layout = self.struct("".join(character for _, character in run))
            values = ", ".join(expression for expression, _ in run)
            self.put(f"write({self.refer('pack', layout.pack)}({values}))")
            run.clear()

    def tags(self, tagged: w.TaggedFields, owner: str) -> None:
        count = self.name("n")
        variables = {name: self.name("v") for name, _, _ in tagged.known.values()}
        defaults = {}
        for name, _, default in tagged.known.values():
            self.put(f"{variables[name]} = {owner}.{name}")
            simple = default is None or isinstance(default, (int, str, bytes, float))
            defaults[name] = repr(default) if simple else self.refer("constant", default)
        present = " + ".join(f"({variables[name]} != {defaults[name]})" for name in variables)
        self.put(f"{count} = {present}")
        self.put(f"write(uvarint({count}))")
        self.put(f"if {count}:")
        self.depth += 1
        for tag, (name, item, _) in tagged.known.items():
            self.put(f"if {variables[name]} != {defaults[name]}:")
            self.depth += 1
            body, outer = self.name("body"), self.name("write")
            self.put(f"{body} = []; {outer} = write; write = {body}.append")
            self.value(item, variables[name])
            self.put(f"write = {outer}; {body} = b''.join({body})")
            self.put(f"write(uvarint({tag}) + uvarint(len({body})) + {body})")
            self.depth -= 1
        self.depth -= 1

    def value(self, item: Construct, variable: str) -> None:
        character = _format_of(item)
        if character is not None:
            self.pack([(self.fixed(variable, character), character)])
        elif isinstance(item, w.Sized):
            self.sized(item, variable)
        elif isinstance(item, w.Counted):
            self.counted(item, variable)
        elif isinstance(item, w.OptionalFields):
            self.put(f"if {variable} is None: write(b'\\xff')")
            self.put("else:")
            self.depth += 1
            self.put("write(b'\\x01')")
            self.fields(item.subcon, variable)
            self.depth -= 1
        elif isinstance(item, w.Fields):
            self.fields(item, variable)
        else:
            raise TypeError(f"no code is known for {type(item).__name__}")

    def length(self, length: w.Length, expression: str) -> str:
        if length is w.COMPACT:
            return f"compact({expression})"
        return f"{'pack_int16' if length is w.INT16 else 'pack_int32'}({expression})"

    def null(self, item: w.Sized | w.Counted, variable: str) -> None:
        """Open the branch for a value that is there; a null is written where it may be, and refused elsewhere."""
        encoded = {"int16": b"\xff\xff", "int32": b"\xff\xff\xff\xff", "compact": b"\0"}[item.length.name]
        refused = "raise TypeError('null where the field must have a value')"
        self.put(f"if {variable} is None: {f'write({encoded!r})' if item.nullable else refused}")
        self.put("else:")

    def sized(self, item: w.Sized, variable: str) -> None:
        self.null(item, variable)
        self.depth += 1
        if item.kind == "records":
            self.put(f"write({self.length(item.length, f'len({variable})')})")
            self.put(f"write({variable})")
        else:
            body = self.name("body")
            self.put(f"{body} = {variable}.encode()" if item.kind == "text" else f"{body} = {variable}")
            self.put(f"write({self.length(item.length, f'len({body})')} + {body})")
        self.depth -= 1

    def counted(self, item: w.Counted, variable: str) -> None:
        self.null(item, variable)
        self.depth += 1
        count = self.length(item.length, f"len({variable})")
        character = _format_of(item.element)
        if character is not None and character not in ("B", "16s"):
            self.put(f"write({count})")
            self.put(f"write(pack(f'>{{len({variable})}}{character}', *{variable}))")
        else:
            element = self.name("e")
            self.put(f"write({count})")
            self.put(f"for {element} in {variable}:")
            self.depth += 1
            before = len(self.lines)
            self.value(item.element, element)
            if len(self.lines) == before:
                self.put("continue")
            self.depth -= 1
        self.depth -= 1
