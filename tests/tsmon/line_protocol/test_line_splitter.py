"""Text of line protocol to lines; test_parser.py has the properties of splitting and parsing together."""

from tsmon.line_protocol import split_lines


def test_comments_and_blank_lines_are_skipped() -> None:
    assert [number for number, _ in split_lines(b"#a\nm f=1\n\n \t\0#b\n\t\nn f=1\n#")] == [2, 6]
    assert list(split_lines(b"")) == []


def test_a_backslash_keeps_the_next_newline_within_the_line() -> None:
    assert list(split_lines("m,t=a\\\nb f=1\nn f=2")) == [(1, "m,t=a\\\nb f=1"), (3, "n f=2")]


def test_a_quote_counts_only_where_a_string_can_begin() -> None:
    data = 'm"x,t=" "a=1 1\nm f"="x\ny" 1\n# a "comment\nm f=1 1'
    assert [line for _, line in split_lines(data)] == ['m"x,t=" "a=1 1', 'm f"="x\ny" 1', "m f=1 1"]
