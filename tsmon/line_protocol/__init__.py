"""Line protocol, the format between emitting and storing: declared columns, encoding, parsing."""

from tsmon.line_protocol.declaration import Column, Declaration, Service, Tag, TagAndField
from tsmon.line_protocol.default_encoding import configure, encode
from tsmon.line_protocol.encoding import Encodable, Encoding
from tsmon.line_protocol.fast_encoder import EncoderFactory, compile_encoder
from tsmon.line_protocol.line_splitter import split_lines
from tsmon.line_protocol.parser import FieldValue, ParsedPoint, Unsigned, parse, parse_line

__all__ = [
    "Column",
    "Declaration",
    "Encodable",
    "EncoderFactory",
    "Encoding",
    "FieldValue",
    "ParsedPoint",
    "Service",
    "Tag",
    "TagAndField",
    "Unsigned",
    "compile_encoder",
    "configure",
    "encode",
    "parse",
    "parse_line",
    "split_lines",
]
