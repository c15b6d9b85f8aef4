"""Dashboard of one host: CPU, memory, file systems, block devices, network, processes."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tsmon.points.host import Cpu, Disk, DiskIO, Memory, Network, Processes, Swap, System
from tsmon_agent.dashboards.columns import field, label
from tsmon_agent.dashboards.flux import (
    differs,
    equals,
    largest,
    means,
    newest,
    newest_ratio,
    rates,
    read,
    tag_values,
)
from tsmon_agent.dashboards.host_devices import HOST, PATHS, add_devices, add_file_systems, add_network
from tsmon_agent.dashboards.panels import (
    dashboard,
    gauge,
    query_variable,
    rename_fields,
    stack,
    stat,
    time_series,
)

__all__ = ["build"]

_ALL_CPUS: Final = {**HOST, "cpu": equals("cpu-total")}
_BUSY: Final = "  |> map(fn: (r) => ({r with _value: 100.0 - r._value}))\n"


def build() -> Dashboard:
    """Build the dashboard."""
    board = dashboard("tsmon-host", "Host", "One host, as measured by its tsmon-agent.")
    _add_variables(board)
    for part in (_add_overview, _add_processors, _add_memory, add_file_systems, add_devices, add_network):
        part(board)
    return board


def _add_variables(board: Dashboard) -> None:
    board.with_variable(
        query_variable("host", "Host", "Hosts with an agent", tag_values(System, "host"), many=False)
    ).with_variable(
        query_variable("path", "File system", "Mount points", tag_values(Disk, "path", where=HOST), many=True)
    ).with_variable(
        query_variable("device", "Device", "Block devices", tag_values(DiskIO, "name", where=HOST), many=True)
    ).with_variable(
        query_variable(
            "interface",
            "Interface",
            "Network interfaces",
            tag_values(Network, "interface", where=HOST),
            many=True,
        )
    )


def _add_overview(board: Dashboard) -> None:
    uptime = read(System, "uptime", where=HOST)
    age = (
        f"{newest(uptime)}  |> map(fn: (r) => ({{r with "
        "_value: float(v: int(v: v.timeRangeStop) - int(v: r._time)) / 1000000000.0}))\n"
    )
    fullest = largest(newest(read(Disk, "used_percent", where=PATHS)), Disk, by="host")
    board.with_row(Row("Overview"))
    board.with_panel(stat("Uptime", "dtdurations", "Time since the host booted.", newest(uptime)))
    board.with_panel(
        stat("Last report", "s", "Time from the agent's newest point to the end of the time range.", age)
    )
    board.with_panel(
        stat(
            "Load per CPU",
            "short",
            "Load over 1 minute divided by the number of CPUs; above 1, processes had to wait.",
            newest_ratio(System, "load1", "n_cpus", where=HOST, by="host"),
        ).decimals(2)
    )
    board.with_panel(
        gauge(
            "CPU in use",
            "Busy share of all CPUs.",
            newest(read(Cpu, "usage_idle", where=_ALL_CPUS)) + _BUSY,
        )
    )
    board.with_panel(
        gauge(
            "Memory in use",
            "Memory in use, without buffers and caches.",
            newest(read(Memory, "used_percent", where=HOST)),
        )
    )
    board.with_panel(
        gauge("Fullest file system", "Used share of the fullest of the selected file systems.", fullest)
    )


def _add_processors(board: Dashboard) -> None:
    states = (
        "usage_user",
        "usage_nice",
        "usage_system",
        "usage_iowait",
        "usage_irq",
        "usage_softirq",
        "usage_steal",
        "usage_guest",
        "usage_guest_nice",
    )
    board.with_row(Row("CPU"))
    board.with_panel(
        rename_fields(
            stack(
                time_series(
                    "CPU time",
                    "percent",
                    "How all CPUs together spent their time; the rest up to 100 is idle.",
                    means(read(Cpu, *states, where=_ALL_CPUS)),
                )
            ),
            {field(Cpu, state): state.removeprefix("usage_").replace("_", " ") for state in states},
        ).max(100)
    )
    board.with_panel(
        time_series(
            "Busy share of each CPU",
            "percent",
            "Time that was not idle. Empty if agent.percpu is off.",
            means(read(Cpu, "usage_idle", where={**HOST, "cpu": differs("cpu-total")})) + _BUSY,
        )
        .display_name(label(Cpu, "cpu"))
        .max(100)
    )
    board.with_panel(
        rename_fields(
            time_series(
                "Load",
                "short",
                "Mean number of processes that ran, waited to run or waited for a disk; and the number of CPUs.",
                means(read(System, "load1", "load5", "load15", "n_cpus", where=HOST)),
            ),
            {
                field(System, "load1"): "1 minute",
                field(System, "load5"): "5 minutes",
                field(System, "load15"): "15 minutes",
                field(System, "n_cpus"): "CPUs",
            },
        )
    )
    processes = ("running", "blocked", "sleeping", "idle", "stopped", "zombies", "total_threads")
    board.with_panel(
        rename_fields(
            time_series(
                "Processes",
                "short",
                "Processes by state, and the threads of all processes.",
                means(read(Processes, *processes, where=HOST)),
            ),
            {field(Processes, one): one.removeprefix("total_") for one in processes},
        )
    )


def _add_memory(board: Dashboard) -> None:
    parts = ("used", "buffered", "cached", "free")
    board.with_row(Row("Memory"))
    board.with_panel(
        rename_fields(
            stack(
                time_series(
                    "Memory",
                    "bytes",
                    "Use of physical memory. Buffers and caches are released when programs need the memory.",
                    means(read(Memory, *parts, where=HOST)),
                )
            ),
            {field(Memory, part): part for part in parts},
        )
    )
    board.with_panel(
        rename_fields(
            time_series(
                "Available and dirty memory",
                "bytes",
                "Memory that programs can get without swapping, and pages waiting to be written to disk.",
                means(read(Memory, "available", "dirty", "write_back", where=HOST)),
            ),
            {
                field(Memory, "available"): "available",
                field(Memory, "dirty"): "dirty",
                field(Memory, "write_back"): "being written",
            },
        )
    )
    board.with_panel(
        rename_fields(
            time_series(
                "Swap space",
                "bytes",
                "Swap space and its used part; zero on a host without swap.",
                means(read(Swap, "total", "used", where=HOST)),
            ),
            {field(Swap, "total"): "total", field(Swap, "used"): "used"},
        )
    )
    board.with_panel(
        rename_fields(
            time_series(
                "Swapping",
                "Bps",
                "Memory moved to and from swap space; sustained traffic in means that memory is too small.",
                rates(read(Swap, "swapped_in", "swapped_out", where=HOST)),
            ),
            {field(Swap, "swapped_in"): "in", field(Swap, "swapped_out"): "out"},
        )
    )
