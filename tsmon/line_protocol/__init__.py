"""Line protocol, the only currency between emitting and storing: encoding, parsing, declared columns."""

from tsmon.line_protocol.declaration import Column, Declaration, Service, Tag, TagAndField
from tsmon.line_protocol.default_encoding import configure, encode
from tsmon.line_protocol.encoding import Encodable, Encoding
from tsmon.line_protocol.fast_encoder import Factory, generate
from tsmon.line_protocol.parser import FieldValue, ParsedPoint, Unsigned, parse, parse_line, split_lines

__all__ = [
    "Column",
    "Declaration",
    "Encodable",
    "Encoding",
    "Factory",
    "FieldValue",
    "ParsedPoint",
    "Service",
    "Tag",
    "TagAndField",
    "Unsigned",
    "configure",
    "encode",
    "generate",
    "parse",
    "parse_line",
    "split_lines",
]
