"""Data in every compression, made by the libraries that people use."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from typing import Final

import pyarrow as pa

__all__ = ["COMPRESS", "make_zip"]


def make_zip(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in files.items():
            writer.writestr(name, data)
    return archive.getvalue()


def make_by_arrow(codec: str, data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: make_by_arrow("zstd", data),
    "lz4": lambda data: make_by_arrow("lz4", data),
    "zip": lambda data: make_zip({"a/": b"", "a/data.csv": data, "__MACOSX/a/._data.csv": b"x", ".DS_Store": b"x"}),
    "gzip in zip": lambda data: make_zip({"data.csv.gz": gzip.compress(data)}),
    "gzip in bzip2": lambda data: bz2.compress(gzip.compress(data)),
}
