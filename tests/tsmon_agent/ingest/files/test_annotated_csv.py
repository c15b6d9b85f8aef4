"""What InfluxDB exports as CSV is the same again in another bucket."""

import asyncio
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.stored import stored
from tests.tsmon_agent.shell import Shell, agent
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

__all__ = ["agent"]

T = 1_700_000_000_123_456_789
LINES = [
    rf'a\ b,x=1\,2,y=ü f=1.5,i=-3i,u=4u,b=true,s="a, ""\"\nb" {T}',
    f"m f=0.1,g=1e300 {T + 1}",
    f"m,t=1 f=2 {T + 2}",
    f"m,t=2 f=3 {T + 2}",
]
ALL = "range(start: time(v: -9223372036854775806), stop: time(v: 9223372036854775806))"
FLOATS = '|> filter(fn: (r) => r._field == "f") |> group()'
PIVOT = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'


async def exported(influxdb: InfluxDB, bucket: str, more: str) -> str:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as store:
        await store.write("\n".join(LINES).encode())
        return await store.query(f'from(bucket: "{bucket}") |> {ALL} {more}')


@pytest.mark.parametrize(
    "more", ["", PIVOT, FLOATS, '|> drop(columns: ["_start", "_stop"])'], ids=["rows", "pivot", "one", "plain"]
)
def test_a_bucket_through_csv_is_the_same_bucket(
    influxdb: InfluxDB, bucket: str, agent: Shell, tmp_path: Path, more: str
) -> None:
    # The server's own writer makes CRLF of a line feed within a text; bytes, so that nothing else does.
    (tmp_path / "export.csv").write_bytes(asyncio.run(exported(influxdb, bucket, more)).encode())
    other = influxdb.new_bucket()
    agent.settings(f"[monitoring]\nurl = '{influxdb.url}'\nbucket = '{other}'\ntoken = '{influxdb.token}'\n")
    ran = agent("import", "export.csv")
    assert (ran.code, "annotated CSV" in ran.err) == (0, True), ran
    expected = stored(influxdb, bucket)
    assert stored(influxdb, other) == {one for one in expected if more is not FLOATS or one.field == "f"}


def test_cells_that_do_not_fit_are_rejected(agent: Shell, tmp_path: Path) -> None:
    head = "#datatype,string,long,dateTime:RFC3339,double,string,string\n#group,false,false,false,false,true,true\n"
    head += "#default,_result,,,,,\n,result,table,_time,_value,_field,_measurement\n"
    rows = [",,0,2024-01-01T00:00:00Z,1.5,v,m", ",,0,yesterday,1,v,m", ",,0,2024-01-01T00:00:01Z,x,v,m"]
    rows += [",,0,2024-01-01T00:00:02Z,,v,m", ",,0,2024-01-01T00:00:03Z,NaN,v,m"]
    (tmp_path / "export.csv").write_text(head + "\n".join(rows))
    ran = agent("import", "--keep", "export.csv")
    assert ran.code == 1
    assert ran.out == "export.csv: 1 rows imported; 3 rejected rows are in export.csv.rejected\n"
    for number in (6, 7, 9):
        assert f"line {number} is rejected" in ran.err


def test_rows_are_counted_as_rows_since_two_may_be_one_point(agent: Shell, tmp_path: Path) -> None:
    """Two fields of one point, and one of them again; the file that is imported holds one point."""
    rows = [f",,0,2024-01-01T00:00:00Z,{value},{field},m" for value, field in ((1.5, "a"), (2.5, "b"), (3.5, "b"))]
    head = [
        "#datatype,string,long,dateTime:RFC3339,double,string,string",
        "#group,false,false,false,false,true,true",
        "#default,_result,,,,,",
        ",result,table,_time,_value,_field,_measurement",
    ]
    (tmp_path / "two.csv").write_text("\r\n".join([*head, *rows]) + "\r\n")
    agent.settings('[monitoring]\nfile = "t.db"\n')
    assert agent("import", "--keep", "two.csv").out == "two.csv: 3 rows imported\n"
    assert agent("import", "two.csv").out == "two.csv was imported before: 3 rows; --restart imports it again\n"
    (tmp_path / "one.lp").write_text("m a=3.5 1\nm a=4.5 2\n")
    assert agent("import", "--keep", "one.lp").out == "one.lp: 2 points imported\n"
    assert agent("db", "size").out.splitlines()[1] == "1 series, 3 rows", "one of the table, two of the lines"
