"""Rows, headers and mistakes of tables."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon_agent.streams.inventory.csv_table import Columns, format_csv, parse_csv

COLUMNS = Columns({"name": ("title",), "expected_rate": ("rate",), "end": ()}, required=2)


@pytest.mark.parametrize(
    "header",
    [
        "name,expected_rate,end",
        "Name , Expected Rate (Hz), END",
        "title,rate,end",
        "TITLE,Expected-Rate [Hz],End",
        '"name","expected rate","end"',
        "\nname,expected_rate,end",
    ],
)
def test_headers_in_several_spellings(header: str) -> None:
    (row,), mistakes = parse_csv(f"{header}\n a b , 1,x \n", COLUMNS)
    assert row[1] == {"name": "a b", "expected_rate": "1", "end": "x"}
    assert mistakes == []


def test_columns_of_a_header_in_any_order_and_only_some() -> None:
    rows, mistakes = parse_csv("rate,name\n1,a\n", COLUMNS)
    assert (rows, mistakes) == ([(2, {"expected_rate": "1", "name": "a"})], [])


def test_without_a_header_the_order_is_fixed_and_the_end_may_be_left_out() -> None:
    rows, mistakes = parse_csv("a,1\nb,2,x\nc,3,\n", COLUMNS)
    assert mistakes == []
    assert rows == [
        (1, {"name": "a", "expected_rate": "1"}),
        (2, {"name": "b", "expected_rate": "2", "end": "x"}),
        (3, {"name": "c", "expected_rate": "3", "end": ""}),
    ]


def test_lines_are_those_of_the_file() -> None:
    rows, mistakes = parse_csv('\n\na,1,"x\ny"\r\n , ,\n\nb,2\nc\n', COLUMNS)
    assert [line for line, _ in rows] == [3, 7]
    assert mistakes == [(8, "this row has 1 cell; the columns are name, expected_rate, end, separated by commas")]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("name,rat,end\na,1,x\n", 1, "there is no column 'rat'; there are name, expected_rate, end"),
        ("name,expectedrat\n", 1, "there is no column 'expectedrat'; write expected_rate, if that is meant"),
        ("name,end\na,x\n", 1, "the header names no column expected_rate; add it"),
        ("name,rate,expected rate\n", 1, "the header names the column expected_rate 2 times; remove all but one"),
        ("name,rate\na\n", 2, "this row has 1 cell, and the header has 2; separate them by commas"),
        ("name,rate\na,1,x\n", 2, "this row has 3 cells, and the header has 2; separate them by commas"),
        ("name,rate,\na,1,x\n", 2, "'x' is in a column without a name; name it in the header"),
        ("a/1/x\n", 1, "this row has 1 cell; the columns are name, expected_rate, end, separated by commas"),
        ("a,1,x,y\n", 1, "this row has 4 cells; the columns are name, expected_rate, end, separated by commas"),
        ('a,1\nb,"2\nc,3\n', 2, "this row is not valid CSV: a quote is not closed before the end of the file"),
    ],
)
def test_mistakes(text: str, line: int, reason: str) -> None:
    _, mistakes = parse_csv(text, COLUMNS)
    assert (line, reason) in mistakes


def test_columns_without_name_and_text_are_skipped() -> None:
    assert parse_csv("name,rate,,\na,1,,\nb,2,,,,\n", COLUMNS)[1] == []
    assert parse_csv("a,1,x,,\n", COLUMNS)[1] == []


def test_rows_after_a_wrong_one_are_still_checked() -> None:
    rows, mistakes = parse_csv("a,1\nb\nc,3\nd\n", COLUMNS)
    assert [line for line, _ in rows] == [1, 3]
    assert [line for line, _ in mistakes] == [2, 4]


cells = st.text(st.characters(codec="utf-8"), max_size=6).map(str.strip).filter(lambda text: "\0" not in text)
rows_of_cells = st.fixed_dictionaries({"name": cells.filter(bool), "expected_rate": cells, "end": cells})


@given(st.lists(rows_of_cells, max_size=5))
def test_a_formatted_table_is_parsed_to_the_same_rows(rows: list[dict[str, str]]) -> None:
    found, mistakes = parse_csv(format_csv(COLUMNS, rows), COLUMNS)
    assert mistakes == []
    assert [values for _, values in found] == rows


def test_a_carriage_return_within_a_cell_is_read_back() -> None:
    rows = [{"name": "a", "expected_rate": "0\r0", "end": "\r\n;"}]
    found, mistakes = parse_csv(format_csv(COLUMNS, rows), COLUMNS)
    assert (mistakes, [values for _, values in found]) == ([], rows)


@given(st.text(max_size=60))
def test_any_text_is_rows_or_mistakes(text: str) -> None:
    rows, mistakes = parse_csv(text, COLUMNS)
    assert all(line >= 1 for line, _ in [*rows, *mistakes])


@pytest.mark.parametrize("name", ["=1+1", "@SUM(1)", "+1", "-1", "'=1", "''-x", '=HYPERLINK("http://evil","x")'])
def test_no_cell_is_a_formula_to_a_spreadsheet_and_all_come_back(name: str) -> None:
    text = format_csv(COLUMNS, [{"name": name, "expected_rate": "1", "end": ""}])
    cell = next(csv.reader([text.splitlines()[1]]))[0]
    assert cell == f"'{name}"
    assert parse_csv(text, COLUMNS)[0][0][1]["name"] == name


def test_other_apostrophes_and_signs_stay() -> None:
    (row,), _ = parse_csv("'tis,-1,''\n", COLUMNS)
    assert list(row[1].values()) == ["'tis", "-1", "''"]
    assert format_csv(COLUMNS, [row[1]]).splitlines()[1].startswith("'tis,")
