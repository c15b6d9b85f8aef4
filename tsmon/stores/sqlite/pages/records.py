"""Records of SQLite: the values of one row, as a header of types and the values behind it."""

import struct
from collections.abc import Callable
from typing import Final

__all__ = ["MalformedError", "RecordReader", "Value", "read_varint"]

Value = int | float | bytes | None
"""A value as stored: texts and blobs are bytes, and a whole float is an integer."""

MAX_READERS: Final = 10_000


class MalformedError(ValueError):
    """Bytes that SQLite cannot have written."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read an integer of one to nine bytes; returns it and the position behind it. Raises IndexError."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for index in range(at + 1, at + 8):
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    return value << 8 | data[at + 8], at + 9


class RecordReader:
    """Reads records; what it learns of a header is cached, since most rows of a table have the same."""

    def __init__(self) -> None:
        self._readers: dict[bytes, Callable[[bytes], list[Value]]] = {}

    def read(self, payload: bytes) -> list[Value]:
        """Values of a row; raises :class:`MalformedError`."""
        try:
            length, start = read_varint(payload, 0)
            if not start <= length <= len(payload):
                raise MalformedError("a record without a header")
            header = payload[:length]
            reader = self._readers.get(header)
            if reader is None:
                if len(self._readers) >= MAX_READERS:
                    self._readers.clear()
                reader = self._readers[header] = _build_reader(header, start)
            return reader(payload)
        except (IndexError, struct.error) as error:
            raise MalformedError("a record that is cut off") from error


def _build_reader(header: bytes, at: int) -> Callable[[bytes], list[Value]]:
    form, constants, long_integers, index = [">"], [], [], 0
    while at < len(header):
        type_, at = read_varint(header, at)
        if type_ in (0, 8, 9):
            constants.append((index, None if type_ == 0 else type_ - 8))
        elif type_ in (3, 5):
            form.append(f"{type_ if type_ == 3 else 6}s")
            long_integers.append(index)
        elif type_ in _FORMS:
            form.append(_FORMS[type_])
        elif type_ >= 12:
            form.append(f"{(type_ - 12) // 2}s")
        else:
            raise MalformedError(f"a value of type {type_}")
        index += 1
    values = struct.Struct("".join(form))
    start, size = len(header), len(header) + values.size

    def read(payload: bytes) -> list[Value]:
        if len(payload) != size:
            raise MalformedError("a record of another length than its header says")
        found: list[Value] = list(values.unpack_from(payload, start))
        for place, value in constants:
            found.insert(place, value)
        for place in long_integers:
            found[place] = int.from_bytes(found[place], signed=True)  # type: ignore[arg-type]
        return found

    return read


_FORMS: Final = {1: "b", 2: "h", 4: "i", 6: "q", 7: "d"}
