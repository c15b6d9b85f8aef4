"""Text is recognised by its bytes: Unicode in all forms, Western European where there is no doubt."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import ImportingError
from tsmon_agent.tables import encodings
from tsmon_agent.tables.encodings import TranscodedStream, check_encoding, decode_line, find_encoding, to_utf8
from tsmon_agent.tables.headed_stream import HeadedStream

TEXT = "time,Temp (°C),Station\n2024-01-01,1.5,Zürich\n"
UNICODE = ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def read_as_utf8(data: bytes, given: str | None = None) -> tuple[bytes, str]:
    text, encoding = to_utf8(HeadedStream(io.BytesIO(data)), 1 << 16, given)
    return io.BufferedReader(text).read(), encoding


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["without", "with a mark"])
def test_every_form_of_unicode_is_recognised_with_and_without_a_mark(encoding: str, mark: str) -> None:
    assert read_as_utf8((mark + TEXT).encode(encoding)) == (TEXT.encode(), encoding)


@pytest.mark.parametrize("given", ["latin-1", "cp437", "cp1251", "shift_jis", "koi8-r"])
def test_a_given_encoding_is_used(given: str) -> None:
    text = {"cp1251": "Мурманск", "koi8-r": "Мурманск", "shift_jis": "気温"}.get(given, "Höhe")
    assert read_as_utf8(text.encode(given), check_encoding(given))[0].decode() == text


@pytest.mark.parametrize("given", ["utf-16", "utf-8", "cp1252"])
def test_a_mark_is_believed_more_than_the_option(given: str) -> None:
    assert read_as_utf8(TEXT.encode("utf-16"), check_encoding(given)) == (TEXT.encode(), "utf-16-le")


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(1, 7), st.sampled_from(UNICODE[1:]))
def test_characters_are_whole_wherever_parts_end(text: str, size: int, encoding: str) -> None:
    stream = TranscodedStream(HeadedStream(io.BytesIO(text.encode(encoding))), encoding)
    parts = []
    while part := stream.read(size):
        parts.append(part)
    assert b"".join(parts).decode() == text


@given(
    st.binary(max_size=60), st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "shift_jis", "ascii"])
)
def test_what_cannot_be_decoded_is_never_text_afterwards(data: bytes, encoding: str) -> None:
    found = io.BufferedReader(TranscodedStream(HeadedStream(io.BytesIO(data)), encoding)).read()
    try:
        expected = data.decode(encoding).encode()
    except UnicodeError:
        with pytest.raises(UnicodeDecodeError):
            found.decode()
    else:
        assert found == expected


def decode(data: bytes, encoding: str | None = None) -> str:
    return decode_line(data.decode("utf-8", "surrogateescape"), encoding)


@pytest.mark.parametrize(
    "text", ["20.5 °C", "3 µmol/m²", "12 m³/s", "Köln", "Ångström", "Málaga", "Téléval", "±0.5", "Öl", "m²"]
)
def test_western_text_is_decoded_where_there_is_no_doubt(text: str) -> None:
    assert decode(text.encode("cp1252")) == decode(text.encode()) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Москва", "cp1251"),
        ("Мурманск", "koi8-r"),
        ("Αθήνα", "cp1253"),
        ("Příbram", "cp1250"),
        ("Wrocław", "cp1250"),
        ("Hódmezővásárhely", "cp1250"),
        ("20 °C", "cp437"),
        ("Höhe", "cp850"),
        ("気温", "shift_jis"),
        ("気温", "euc-jp"),
    ],
)
def test_other_encodings_need_the_option(text: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="is not UTF-8; name the encoding by --encoding"):
        decode(text.encode(encoding))


def test_a_given_encoding_leaves_nothing_to_recognise() -> None:
    with pytest.raises(ValueError, match="bytes that are not utf-8; name the right encoding"):
        decode("Köln".encode("latin-1"), "utf-8")


@pytest.mark.parametrize("name", ["no", "rot13", "base64", "", "a\0b"])
def test_only_encodings_of_text_are_known(name: str) -> None:
    with pytest.raises(ImportingError, match="there is no encoding"):
        check_encoding(name)


@given(st.binary(max_size=200))
def test_any_bytes_have_an_encoding(data: bytes) -> None:
    encoding, mark = find_encoding(data)
    assert encoding in UNICODE
    assert encodings.describe_encoding(data, None) in ("", "in Windows-1252")
    assert mark <= len(data)
