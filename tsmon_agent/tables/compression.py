"""Decompression by content: gzip, bzip2, xz, zip, and with the extra arrow zstd and lz4."""

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from tsmon.errors import ImportingError
from tsmon_agent.tables.headed_stream import HeadedStream
from tsmon_agent.tables.signatures import SIGNATURE_BYTES, Compression, find_compression, refuse_binary

__all__ = ["decompress", "explain_read_errors"]

LAYERS: Final = 3
"""How often a file may be compressed, such as a zip archive that holds a .csv.gz."""

NAMED_MEMBERS: Final = 3
_ENCRYPTED: Final = 1
_OFFICE: Final = ("[Content_Types].xml", "META-INF/manifest.xml")


def decompress(name: str, raw: BinaryIO) -> HeadedStream:
    """The content of a file, without the layers of compression; raises :class:`~tsmon.errors.ImportingError`.

    ``raw`` is at its beginning, and has to be seekable if it is a zip archive.
    """
    content = HeadedStream(raw)
    for layer in range(LAYERS + 1):
        head = content.head(SIGNATURE_BYTES)
        refuse_binary(name, head)
        kind = find_compression(head)
        if kind is None:
            return content
        if layer == LAYERS:
            break
        if kind == "zip":
            content = HeadedStream(_open_zip(name, raw, layer))
        else:
            content = HeadedStream(_open_compressed(name, content, kind))
    raise ImportingError(f"{name} is compressed more than {LAYERS} times; decompress it")


@contextmanager
def explain_read_errors(name: str, *, after: str = "") -> Iterator[None]:
    """Context manager that turns errors of reading into an :class:`~tsmon.errors.ImportingError`.

    ``after`` says what happened to the part that came before.
    """
    try:
        yield
    except EOFError:
        raise ImportingError(
            f"{name} cannot be read to its end: it is cut off within its compressed data; {after}"
            "get the whole file and start again"
        ) from None
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError):
        raise ImportingError(
            f"{name} cannot be read to its end: its compressed data are damaged; {after}"
            "get the file once more and start again"
        ) from None
    except OSError as error:
        reason = error.strerror or "its compressed data are damaged or cut off"
        raise ImportingError(
            f"{name} cannot be read to its end: {reason}; {after}repair it and start again"
        ) from None


def _open_compressed(name: str, content: HeadedStream, kind: Compression) -> BinaryIO:
    buffered = io.BufferedReader(content, 1 << 20)
    if kind == "gzip":
        return cast(BinaryIO, _GzipStream(cast(BinaryIO, buffered)))
    if kind == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(buffered))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(buffered))
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportingError(
            f"{name} is compressed by {kind}; pip install 'tsmon[arrow]' to read it, or decompress it by {kind} -d"
        ) from None
    return cast(BinaryIO, _ArrowStream(pa.CompressedInputStream(pa.PythonFile(buffered, "r"), kind)))


class _GzipStream(io.RawIOBase):
    """Decompresses gzip; damage is an error of the standard library."""

    def __init__(self, stream: BinaryIO) -> None:
        from isal import igzip, igzip_lib

        super().__init__()
        self._stream = igzip.GzipFile(fileobj=stream)
        self._damage = cast("type[Exception]", igzip_lib.IsalError)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """See :class:`io.RawIOBase`."""
        try:
            count: int = self._stream.readinto(buffer)
        except self._damage as error:
            raise zlib.error(str(error)) from None
        return count


class _ArrowStream(io.RawIOBase):
    """A stream of pyarrow's; its errors are those of the standard library."""

    def __init__(self, stream: object) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """See :class:`io.RawIOBase`."""
        part: bytes = self._stream.read(len(buffer))  # type: ignore[attr-defined]
        buffer[: len(part)] = part
        return len(part)


def _open_zip(name: str, raw: BinaryIO, layer: int) -> BinaryIO:
    """The only file in a zip archive."""
    if layer or not raw.seekable():
        where = "within another archive" if layer else "in a pipe"
        raise ImportingError(f"{name} is a zip archive {where}, which cannot be read from its end; unpack it")
    with explain_read_errors(name):
        archive = zipfile.ZipFile(raw)
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_ancillary(one.filename)]
    if any(one.filename in _OFFICE or one.filename == "mimetype" for one in members):
        raise ImportingError(f"{name} is a workbook or another Office document; save the sheet as CSV")
    if len(members) != 1:
        names = ", ".join(one.filename for one in members[:NAMED_MEMBERS])
        more = ", …" if len(members) > NAMED_MEMBERS else ""
        holds = f"holds {len(members)} files ({names}{more})" if members else "holds no file"
        raise ImportingError(f"{name} is a zip archive that {holds}; unpack it and name the files in it")
    (member,) = members
    if member.flag_bits & _ENCRYPTED:
        raise ImportingError(f"{name} is a zip archive with a password; unpack it and name the file in it")
    with explain_read_errors(name):
        return cast(BinaryIO, archive.open(member))


def _is_ancillary(member: str) -> bool:
    """What macOS adds."""
    return member.startswith("__MACOSX/") or member.rpartition("/")[2] == ".DS_Store"
