"""What a file is, by its first bytes: compressed, Parquet, or something that is no table at all."""

import re
from typing import Final, Literal

from tsmon.errors import ImportingError

__all__ = ["PARQUET", "SIGNATURE_BYTES", "Compression", "check_is_text", "find_compression", "refuse_binary"]

SIGNATURE_BYTES: Final = 512

PARQUET: Final = b"PAR1\x15"
"""The mark, and the first byte of what follows: PAR1 alone may be the name of a measurement."""

Compression = Literal["gzip", "bzip2", "xz", "zstd", "lz4", "zip"]

_COMPRESSIONS: Final[dict[bytes, Compression]] = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
_bzip2: Final = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P)")

_UNPACK: Final = "unpack it and name the files in it"
_AS_CSV: Final = "export it as CSV or Parquet"
_SHEET: Final = "save the sheet as CSV"
_BINARY: Final[dict[bytes, tuple[str, str]]] = {
    b"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", _UNPACK),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    b"PK\x07\x08": ("a part of a zip archive", _UNPACK),
    b"\x1f\x9d": ("compressed by compress", "decompress it by uncompress"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an Excel workbook or another document of old Office", _SHEET),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 or netCDF-4 file", _AS_CSV),
    b"CDF\x01": ("a netCDF file", _AS_CSV),
    b"CDF\x02": ("a netCDF file", _AS_CSV),
    b"CDF\x05": ("a netCDF file", _AS_CSV),
    b"SQLite format 3\x00": ("an SQLite database", "export its tables as CSV"),
    b"ARROW1\x00\x00": ("an Arrow or Feather file", "save it as Parquet"),
    b"FEA1": ("a Feather file", "save it as Parquet"),
    b"ORC": ("an ORC file", "save it as Parquet"),
    b"Obj\x01": ("an Avro file", "save it as Parquet"),
    b"\x93NUMPY": ("a NumPy array", _AS_CSV),
    b"MATLAB 5.0 MAT-file": ("a MATLAB file", _AS_CSV),
    b"\x80\x04\x95": ("a Python pickle", _AS_CSV),
    b"\x80\x05\x95": ("a Python pickle", _AS_CSV),
    b"%PDF-": ("a PDF document", "export its tables as CSV"),
    b"{\\rtf": ("an RTF document", "save it as plain text"),
    b"\x89PNG": ("an image", "name a file of data"),
    b"\xff\xd8\xff": ("an image", "name a file of data"),
    b"GIF8": ("an image", "name a file of data"),
    b"\x7fELF": ("a program", "name a file of data"),
}
_TAR_AT: Final = 257
SHORT: Final = 4
"""Text may begin with a mark of this length, but holds no control characters."""

_markup: Final = re.compile(r"\s*<(?:\?xml|!doctype|html|head|body)", re.IGNORECASE)
_binary: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_control: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
FEW_CONTROLS: Final = 2
CONTROL_SHARE: Final = 0.02
"""Text has next to no control characters; of random bytes, a tenth are."""


def find_compression(head: bytes) -> Compression | None:
    """How a file is compressed."""
    if _bzip2.match(head):
        return "bzip2"
    return next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)


def refuse_binary(name: str, head: bytes) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` for a file that is known not to be text."""
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        raise ImportingError(f"{name} is a tar archive; {_UNPACK}")
    for magic, (what, remedy) in _BINARY.items():
        if head.startswith(magic) and (len(magic) > SHORT or _binary.search(head)):
            raise ImportingError(f"{name} is {what}; {remedy}")


def check_is_text(name: str, text: str) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` unless the beginning of a file is text that may be a table."""
    if _markup.match(text):
        raise ImportingError(f"{name} is a document in HTML or XML, such as a web page; save its data as CSV")
    if len(_control.findall(text)) > FEW_CONTROLS + CONTROL_SHARE * len(text):
        raise ImportingError(f"{name} is not text but binary data of an unknown kind; export it as CSV or Parquet")
