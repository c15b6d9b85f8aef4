"""Panels of one host's file systems, block devices and network interfaces."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tsmon.points.host import Disk, DiskIO, Network
from tsmon_agent.dashboards.columns import field, label, tag
from tsmon_agent.dashboards.flux import chosen, means, newest_table, rates, read
from tsmon_agent.dashboards.panels import named, table, time_series, values_of

__all__ = ["DEVICES", "HOST", "INTERFACES", "PATHS", "devices", "file_systems", "network"]

HOST: Final = {"host": chosen("host")}
PATHS: Final = {**HOST, "path": chosen("path")}
DEVICES: Final = {**HOST, "name": chosen("device")}
INTERFACES: Final = {**HOST, "interface": chosen("interface")}


def file_systems(board: Dashboard) -> None:
    """Add these panels."""
    columns = ("used_percent", "used", "free", "total", "inodes_used_percent")
    by = ("path", "device", "fstype", "mode")
    board.with_row(Row("File systems"))
    board.with_panel(
        time_series(
            "Used share of file systems",
            "percent",
            "Used, in percent of used and free, as df shows it.",
            means(read(Disk, "used_percent", where=PATHS)),
        )
        .display_name(label(Disk, "path"))
        .max(100)
    )
    board.with_panel(
        time_series(
            "Free space of file systems",
            "bytes",
            "Free for ordinary users.",
            means(read(Disk, "free", where=PATHS)),
        ).display_name(label(Disk, "path"))
    )
    board.with_panel(
        values_of(
            named(
                table(
                    "File systems",
                    "bytes",
                    "The newest figures in the time range; inodes only where the file system has a fixed number.",
                    newest_table(Disk, *columns, where=PATHS, by=by),
                    [*(tag(Disk, one) for one in by), *(field(Disk, one) for one in columns)],
                ),
                {
                    field(Disk, "used_percent"): "used share",
                    field(Disk, "inodes_used_percent"): "used inodes",
                },
            ),
            {field(Disk, "used_percent"): "percent", field(Disk, "inodes_used_percent"): "percent"},
        )
    )


def devices(board: Dashboard) -> None:
    """Add these panels."""
    device = label(DiskIO, "name")
    board.with_row(Row("Block devices"))
    board.with_panel(
        named(
            time_series(
                "Device traffic",
                "Bps",
                "Bytes read and written per second.",
                rates(read(DiskIO, "read_bytes", "write_bytes", where=DEVICES)),
            ),
            {field(DiskIO, "read_bytes"): f"{device} read", field(DiskIO, "write_bytes"): f"{device} written"},
        )
    )
    board.with_panel(
        named(
            time_series(
                "Device requests",
                "iops",
                "Reads and writes that were completed per second.",
                rates(read(DiskIO, "reads", "writes", where=DEVICES)),
            ),
            {field(DiskIO, "reads"): f"{device} reads", field(DiskIO, "writes"): f"{device} writes"},
        )
    )
    board.with_panel(
        time_series(
            "Device busy share",
            "percent",
            "Time with requests under way. Devices that serve many at once are not full at 100.",
            means(read(DiskIO, "io_util", where=DEVICES)),
        )
        .display_name(device)
        .max(100)
        .span(8)
    )
    board.with_panel(
        time_series(
            "Device queue",
            "short",
            "Mean number of requests under way: their summed time per second of time.",
            rates(read(DiskIO, "weighted_io_time", where=DEVICES))
            + "  |> map(fn: (r) => ({r with _value: r._value / 1000.0}))\n",
        )
        .display_name(device)
        .span(8)
    )
    board.with_panel(
        time_series(
            "Time of a device request",
            "ms",
            "Mean time from a request's start to its completion; a gap where none was completed.",
            means(read(DiskIO, "io_await", where=DEVICES)),
        )
        .display_name(device)
        .span(8)
    )


def network(board: Dashboard) -> None:
    """Add these panels."""
    interface = label(Network, "interface")
    board.with_row(Row("Network"))
    board.with_panel(
        named(
            time_series(
                "Network traffic",
                "Bps",
                "Bytes received and sent per second.",
                rates(read(Network, "bytes_recv", "bytes_sent", where=INTERFACES)),
            ),
            {
                field(Network, "bytes_recv"): f"{interface} received",
                field(Network, "bytes_sent"): f"{interface} sent",
            },
        )
    )
    board.with_panel(
        named(
            time_series(
                "Network packets",
                "pps",
                "Packets received and sent per second.",
                rates(read(Network, "packets_recv", "packets_sent", where=INTERFACES)),
            ),
            {
                field(Network, "packets_recv"): f"{interface} received",
                field(Network, "packets_sent"): f"{interface} sent",
            },
        )
    )
    troubles = {
        "err_in": "errors in",
        "err_out": "errors out",
        "drop_in": "dropped in",
        "drop_out": "dropped out",
    }
    board.with_panel(
        named(
            time_series(
                "Network errors and drops",
                "pps",
                "Packets per second that were damaged, or dropped instead of taken or sent.",
                rates(read(Network, *troubles, where=INTERFACES)),
            ).span(24),
            {field(Network, attribute): f"{interface} {name}" for attribute, name in troubles.items()},
        )
    )
