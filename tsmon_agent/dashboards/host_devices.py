"""Panels of a host's file systems, block devices and network interfaces."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tsmon.points.host import Disk, DiskIO, Network
from tsmon_agent.dashboards.columns import field, label, tag
from tsmon_agent.dashboards.flux import matches_variable, means, newest_table, rates, read
from tsmon_agent.dashboards.panels import rename_fields, set_units, table, time_series

__all__ = ["DEVICES", "HOST", "INTERFACES", "PATHS", "add_devices", "add_file_systems", "add_network"]

HOST: Final = {"host": matches_variable("host")}
PATHS: Final = {**HOST, "path": matches_variable("path")}
DEVICES: Final = {**HOST, "name": matches_variable("device")}
INTERFACES: Final = {**HOST, "interface": matches_variable("interface")}


def add_file_systems(board: Dashboard) -> None:
    """Add the panels of file systems."""
    columns = ("used_percent", "used", "free", "total", "inodes_used_percent")
    by = ("path", "device", "fstype", "mode")
    board.with_row(Row("File systems"))
    board.with_panel(
        time_series(
            "Used share of file systems",
            "percent",
            "Used space in percent of used and free, as shown by df.",
            means(read(Disk, "used_percent", where=PATHS)),
        )
        .display_name(label(Disk, "path"))
        .max(100)
    )
    board.with_panel(
        time_series(
            "Free space of file systems",
            "bytes",
            "Space available to ordinary users.",
            means(read(Disk, "free", where=PATHS)),
        ).display_name(label(Disk, "path"))
    )
    board.with_panel(
        set_units(
            rename_fields(
                table(
                    "File systems",
                    "bytes",
                    "The newest figures in the time range; inodes only of file systems with a fixed number.",
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


def add_devices(board: Dashboard) -> None:
    """Add the panels of block devices."""
    device = label(DiskIO, "name")
    board.with_row(Row("Block devices"))
    board.with_panel(
        rename_fields(
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
        rename_fields(
            time_series(
                "Device requests",
                "iops",
                "Completed reads and writes per second.",
                rates(read(DiskIO, "reads", "writes", where=DEVICES)),
            ),
            {field(DiskIO, "reads"): f"{device} reads", field(DiskIO, "writes"): f"{device} writes"},
        )
    )
    board.with_panel(
        time_series(
            "Device busy share",
            "percent",
            "Time with requests in progress. Devices that serve requests in parallel are not saturated at 100.",
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
            "Mean number of requests in progress: their total duration per second.",
            rates(read(DiskIO, "weighted_io_time", where=DEVICES))
            + "  |> map(fn: (r) => ({r with _value: r._value / 1000.0}))\n",
        )
        .display_name(device)
        .span(8)
    )
    board.with_panel(
        time_series(
            "Duration of a device request",
            "ms",
            "Mean time from start to completion of a request; a gap if none was completed.",
            means(read(DiskIO, "io_await", where=DEVICES)),
        )
        .display_name(device)
        .span(8)
    )


def add_network(board: Dashboard) -> None:
    """Add the panels of network interfaces."""
    interface = label(Network, "interface")
    board.with_row(Row("Network"))
    board.with_panel(
        rename_fields(
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
        rename_fields(
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
        rename_fields(
            time_series(
                "Network errors and drops",
                "pps",
                "Packets per second that were damaged, or dropped instead of received or sent.",
                rates(read(Network, *troubles, where=INTERFACES)),
            ).span(24),
            {field(Network, attribute): f"{interface} {name}" for attribute, name in troubles.items()},
        )
    )
