"""The encoder of one message version, written from its construct schema (see `emit`)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

from construct import Construct

from kafkapy.protocol import emit
from kafkapy.protocol import wire as w

Encoder = Callable[[Any, Callable[[Any], None]], None]

_TOOLS: dict[str, Any] = {
    "compact": emit.compact_lengths,
    "unsigned_varint": emit.unsigned_varint,
    "pack_int16": struct.Struct(">h").pack,
    "pack_int32": struct.Struct(">i").pack,
}

_LENGTH_OF = {"compact": "compact[{}]", "int16": "pack_int16({})", "int32": "pack_int32({})"}
_NULL = {"compact": b"\0", "int16": b"\xff\xff", "int32": b"\xff\xff\xff\xff"}

Run = list[tuple[str, str]]
"""Fixed-size values that follow each other: an expression and its struct character each."""


def compile_encoder(schema: w.Fields, name: str) -> Encoder:
    """`encode(message, write)` calls `write` with each chunk: bytes, or a records field's value as it stands.

    Raises TypeError, ValueError, AttributeError or struct.error for a value that has no bytes in this version.
    """
    emitter = _EncoderEmitter(_TOOLS)
    emitter.fields(schema, "message")
    emitter.put("return")
    encoder: Encoder = emitter.compile("def emitted(message, write):", f"<encoder of {name}>")
    return encoder


class _EncoderEmitter(emit.Emitter):
    def fields(self, schema: w.Fields, owner: str) -> None:
        """Encode a structure, whose expression is `owner`."""
        run: Run = []
        for name, item in schema.fields:
            character = emit.format_of(item)
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
        """What `struct` is given for a value."""
        return {"B": f"1 if {expression} else 0", "16s": f"{expression}.bytes"}.get(character, expression)

    def pack(self, run: Run) -> None:
        if run == [("0", "B")]:
            self.put("write(b'\\0')")
        elif run:
            layout = struct.Struct(">" + "".join(character for _, character in run))
            values = ", ".join(expression for expression, _ in run)
            self.put(f"write({self.refer('pack', layout.pack)}({values}))")
        run.clear()

    def tags(self, tagged: w.TaggedFields, owner: str) -> None:
        """The tagged section: fields that have their default, which are most, are not written."""
        present: dict[str, str] = {}
        variables: dict[str, str] = {}
        for name, _, default in tagged.known.values():
            variable = variables[name] = self.name("v")
            self.put(f"{variable} = {owner}.{name}")
            present[name] = f"({self.differs(variable, default)})"
        count = self.name("n")
        self.put(f"{count} = {' + '.join(present.values())}")
        self.put(f"if not {count}: write(b'\\0')")
        with self.block("else:"):
            self.put(f"write(unsigned_varint({count}))")
            for tag, (name, item, _) in tagged.known.items():
                with self.block(f"if {present[name]}:"):
                    self.tagged_value(tag, item, variables[name])

    def differs(self, variable: str, default: Any) -> str:
        """Whether a field has another value than its default, as an expression."""
        if default is None:
            return f"{variable} is not None"
        constant = self.constant(default)
        # Identity first where it decides nearly always: comparing two UUIDs takes longer than all the rest.
        same = f"{variable} is not {constant} and " if isinstance(default, UUID) else ""
        return f"{same}{variable} != {constant}"

    def tagged_value(self, tag: int, item: Construct, variable: str) -> None:
        """One tagged field: its size stands before it, so it is written aside first."""
        body, outer = self.name("body"), self.name("write")
        self.put(f"{body} = []; {outer} = write; write = {body}.append")
        self.value(item, variable)
        self.put(f"write = {outer}; {body} = b''.join({body})")
        self.put(f"write({emit.unsigned_varint(tag)!r} + unsigned_varint(len({body})) + {body})")

    def value(self, item: Construct, variable: str) -> None:
        character = emit.format_of(item)
        if character is not None:
            self.pack([(self.fixed(variable, character), character)])
        elif isinstance(item, w.Sized):
            self.sized(item, variable)
        elif isinstance(item, w.Counted):
            self.counted(item, variable)
        elif isinstance(item, w.OptionalFields):
            self.put(f"if {variable} is None: write({item.null.to_bytes(1, signed=True)!r})")
            with self.block("else:"):
                self.put("write(b'\\x01')")
                self.fields(item.subcon, variable)
        elif isinstance(item, w.Fields):
            self.fields(item, variable)
        else:
            raise TypeError(f"no code is known for {type(item).__name__}")

    def null(self, item: w.Sized | w.Counted, variable: str) -> None:
        """A null is written where it may be, and refused elsewhere; an `else` is to follow."""
        refused = "raise TypeError('null where the field must have a value')"
        self.put(f"if {variable} is None: {f'write({_NULL[item.length.name]!r})' if item.nullable else refused}")

    def sized(self, item: w.Sized, variable: str) -> None:
        self.null(item, variable)
        length_of = _LENGTH_OF[item.length.name].format
        with self.block("else:"):
            if item.kind == "records":
                self.put(f"write({length_of(f'len({variable})')})")
                self.put(f"write({variable})")
            else:
                body = self.name("body")
                self.put(f"{body} = {variable}{'.encode()' if item.kind == 'text' else ''}")
                self.put(f"write({length_of(f'len({body})')} + {body})")

    def counted(self, item: w.Counted, variable: str) -> None:
        self.null(item, variable)
        count = self.name("n")
        length = _LENGTH_OF[item.length.name].format(count)
        character = emit.format_of(item.element)
        with self.block("else:"):
            self.put(f"{count} = len({variable})")
            if character is not None and emit.is_number(character):
                layouts = self.refer("layouts", emit.number_lists(character))
                self.put(f"write({length} + {layouts}[{count}].pack(*{variable}))")
            else:
                self.put(f"write({length})")
                element = self.name("e")
                with self.block(f"for {element} in {variable}:"):
                    if item.kept:
                        self.put(f"if type({element}) is bytes: write({element}); continue")
                    self.value(item.element, element)
