"""InfluxDB's words about refused points, as typed errors."""

import json

import pytest

from tests.services.influxdb import InfluxDB
from tsmon.errors import StoreRefusedError, TypeConflict
from tsmon.line_protocol.parser import Unsigned
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.refusals import find_conflict
from tsmon.stores.influxdb.responses import error_for

CONFLICT = (
    'partial write: field type conflict: input field "v" on measurement "a" is type float, '
    "already exists as type integer dropped=2"
)


def test_a_conflict_of_types_names_field_and_refused_type() -> None:
    error = error_for(422, json.dumps({"message": CONFLICT}).encode(), None, where="here")
    assert isinstance(error, StoreRefusedError)
    assert (error.lines, error.conflict) == (2, TypeConflict("a", "v", float))
    assert str(error) == f"here refused points (422): {CONFLICT}"


def test_points_beyond_the_retention_are_no_conflict() -> None:
    error = error_for(
        422, b'{"message": "partial write: points beyond retention policy dropped=3"}', None, where="x"
    )
    assert isinstance(error, StoreRefusedError)
    assert (error.lines, error.conflict) == (3, None)


@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        ("1i", "1", float),
        ("1", "1i", int),
        ("1", "1u", Unsigned),
        ("1", "true", bool),
        ("1", '"text"', str),
    ],
)
async def test_the_real_server_names_the_refused_type(
    influxdb: InfluxDB, bucket: str, first: str, then: str, kind: type[object]
) -> None:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with InfluxStore(connection) as store:
        await store.write(f"a\\ b v\\ w={first} 1".encode())
        with pytest.raises(StoreRefusedError) as caught:
            await store.write(f"a\\ b v\\ w={then} 2".encode())
    assert (caught.value.lines, caught.value.conflict) == (1, TypeConflict("a b", "v w", kind))


def test_other_words_name_no_conflict() -> None:
    assert find_conflict("unable to parse 'a': missing fields") is None
