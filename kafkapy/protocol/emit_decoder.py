"""The decoder of one message version, written from its construct schema (see `emit`)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from construct import Construct

from kafkapy.protocol import emit
from kafkapy.protocol import wire as w
from kafkapy.protocol.message import default_of, wires

Decoder = Callable[[Any, int], tuple[Any, int]]

_TOOLS: dict[str, Any] = {
    "Truncated": emit.TruncatedError,
    "read_uuid": emit.read_uuid,
    "read_unsigned_varint": emit.read_unsigned_varint,
    "read_varint": emit.read_varint,
    "skip_tags": emit.skip_tags,
}

Run = list[tuple[str, str]]
"""Fixed-size values that follow each other: a variable and its struct character each."""


def compile_decoder(schema: w.Fields, name: str) -> Decoder:
    """`decode(data, position) -> (message, position behind it)`.

    `data` is bytes, a bytearray or a memoryview; records come back as views of it. Raises TruncatedError, IndexError or
    struct.error where the bytes are no such message: what is wrong, and where, the schema tells when it parses them.
    """
    emitter = _DecoderEmitter(_TOOLS)
    emitter.put("end = len(data)")
    result = emitter.fields(schema)
    emitter.put(f"return {result}, p")
    decoder: Decoder = emitter.compile("def emitted(data, p):", f"<decoder of {name}>")
    return decoder


class _DecoderEmitter(emit.Emitter):
    def fields(self, schema: w.Fields) -> str:
        """Decode a structure; the result is an expression that makes it."""
        values: dict[str, str] = {}
        run: Run = []
        for name, item in schema.fields:
            character = emit.format_of(item)
            if character is None:
                self.unpack(run)
                values[name] = self.value(item)
            else:
                variable = self.name("v")
                run.append((variable, character))
                values[name] = self.fixed(variable, character)
        if schema.tagged is None:
            self.unpack(run)
        else:
            values |= self.tags(schema, schema.tagged, run)
        arguments = [values.get(name) or self.default(schema.cls, name) for name in wires(schema.cls)]
        return f"{self.refer('Make', schema.cls)}({', '.join(arguments)})"

    def default(self, cls: type, name: str) -> str:
        """An expression for a field's default; lists and structures are made anew, since a reader may change them."""
        default = default_of(cls, name)
        if isinstance(default, list):
            return "[]"
        return (
            f"{self.refer('Make', type(default))}()"
            if type(default) is wires(cls)[name].type
            else self.constant(default)
        )

    def fixed(self, variable: str, character: str) -> str:
        """The value of what `struct` has read."""
        return {"B": f"{variable} != 0", "16s": f"read_uuid({variable})"}.get(character, variable)

    def unpack(self, run: Run) -> None:
        if [character for _, character in run] == ["B"]:
            self.put(f"{run[0][0]} = data[p]; p += 1")
        elif run:
            layout = struct.Struct(">" + "".join(character for _, character in run))
            names = ", ".join(variable for variable, _ in run)
            self.put(f"{names}, = {self.refer('unpack', layout.unpack_from)}(data, p); p += {layout.size}")
        run.clear()

    def tags(self, schema: w.Fields, tagged: w.TaggedFields, run: Run) -> dict[str, str]:
        """The tagged section. Its count is nearly always one zero byte, so that byte joins the run before it."""
        count = self.name("tags")
        run.append((count, "B"))
        self.unpack(run)
        values = {name: self.name("v") for name, _, _ in tagged.known.values()}
        for name, variable in values.items():
            self.put(f"{variable} = {self.default(schema.cls, name)}")
        with self.block(f"if {count}:"):
            self.put(f"if {count} > 127: {count}, p = read_unsigned_varint(data, p, {count})")
            if tagged.known:
                self.known_tags(tagged, values, count)
            else:
                self.put(f"p = skip_tags(data, p, {count}, end)")
        return values

    def known_tags(self, tagged: w.TaggedFields, values: dict[str, str], count: str) -> None:
        tag, size, stop = self.name("tag"), self.name("size"), self.name("stop")
        with self.block(f"for _ in range({count}):"):
            self.put(f"{tag}, p = read_varint(data, p)")
            self.put(f"{size}, p = read_varint(data, p)")
            self.put(f"{stop} = p + {size}")
            self.put(f"if {stop} > end: raise Truncated")
            for number, (name, item, _) in tagged.known.items():
                with self.block(f"if {tag} == {number}:"):
                    self.put(f"{values[name]} = {self.value(item)}")
                    self.put(f"if p != {stop}: raise Truncated")
            self.put(f"p = {stop}")

    def value(self, item: Construct) -> str:
        """Decode one value; the result is an expression for it, to be used once and at once."""
        character = emit.format_of(item)
        if character is not None:
            variable = self.name("v")
            self.unpack([(variable, character)])
            return self.fixed(variable, character)
        if isinstance(item, w.Sized):
            return self.sized(item)
        if isinstance(item, w.Counted):
            return self.counted(item)
        if isinstance(item, w.OptionalFields):
            return self.optional(item)
        if isinstance(item, w.Fields):
            return self.fields(item)
        raise TypeError(f"no code is known for {type(item).__name__}")

    def optional(self, item: w.OptionalFields) -> str:
        present, result = self.name("n"), self.name("v")
        self.unpack([(present, "b")])
        self.put(f"{result} = None")
        with self.block(f"if {present} > {item.null}:"):
            self.put(f"{result} = {self.fields(item.subcon)}")
        return result

    def length(self, item: w.Sized | w.Counted, result: str) -> str:
        """Read the length into a variable, and open the branch in which there is a value behind it."""
        n = self.name("n")
        if item.length is w.COMPACT:
            self.put(f"{n} = data[p]; p += 1")
            self.put(f"if {n} > 127: {n}, p = read_unsigned_varint(data, p, {n})")
            self.put(f"{n} -= 1")
        else:
            self.unpack([(n, "h" if item.length is w.INT16 else "i")])
        self.put(f"if {n} < 0: {f'{result} = None' if item.nullable else 'raise Truncated'}")
        return n

    def sized(self, item: w.Sized) -> str:
        stop, result = self.name("stop"), self.name("v")
        n = self.length(item, result)
        taken = {
            "text": f"str(data[p:{stop}], 'utf-8', 'replace')",
            "bytes": f"bytes(data[p:{stop}])",
            "records": f"memoryview(data)[p:{stop}]",
        }[item.kind]
        with self.block("else:"):
            self.put(f"{stop} = p + {n}")
            self.put(f"if {stop} > end: raise Truncated")
            self.put(f"{result} = {taken}; p = {stop}")
        return result

    def counted(self, item: w.Counted) -> str:
        result = self.name("v")
        n = self.length(item, result)
        character = emit.format_of(item.element)
        with self.block("else:"):
            self.put(f"if {n} > end - p: raise Truncated")
            if character is not None and emit.is_number(character):
                layouts = self.refer("layouts", emit.number_lists(character))
                self.put(f"{result} = list({layouts}[{n}].unpack_from(data, p))")
                self.put(f"p += {struct.calcsize('>' + character)} * {n}")
            else:
                add = self.name("add")
                self.put(f"{result} = []; {add} = {result}.append")
                with self.block(f"for _ in range({n}):"):
                    self.put(f"{add}({self.value(item.element)})")
        return result
