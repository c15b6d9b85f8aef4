import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.line_protocol import encode, parse_line
from tsmon.points.host import Network
from tsmon_agent.host.samplers.tag_values import tag_value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/mnt/a b,c=d", "/mnt/a b,c=d"),
        ("/mnt/a\nb\tc\x7f", "/mnt/a?b?c?"),
        ("/mnt/b\\", "/mnt/b?"),
        ("/mnt/b\\c", "/mnt/b\\c"),
        ("/mnt/ü", "/mnt/ü"),
        (os.fsdecode(b"/mnt/\xff"), "/mnt/?"),
    ],
)
def test_what_a_tag_cannot_hold_is_replaced(name: str, expected: str) -> None:
    assert tag_value(name) == expected


@given(st.binary(min_size=1))
def test_every_name_that_the_kernel_can_show_can_be_written(name: bytes) -> None:
    interface = tag_value(os.fsdecode(name))
    point = Network(
        host="h",
        interface=interface,
        bytes_sent=0,
        bytes_recv=0,
        packets_sent=0,
        packets_recv=0,
        err_in=0,
        err_out=0,
        drop_in=0,
        drop_out=0,
    )
    assert parse_line(encode(point).decode()).tags["interface"] == interface
