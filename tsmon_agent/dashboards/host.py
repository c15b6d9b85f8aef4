"""Dashboard of one host: processors, memory, file systems, block devices, network, processes."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tsmon.points.host import Cpu, Disk, DiskIO, Memory, Network, Processes, Swap, System
from tsmon_agent.dashboards.columns import field, label
from tsmon_agent.dashboards.flux import (
    equal,
    largest,
    means,
    newest,
    newest_ratio,
    rates,
    read,
    tag_values,
    unequal,
)
from tsmon_agent.dashboards.host_devices import HOST, PATHS, devices, file_systems, network
from tsmon_agent.dashboards.panels import (
    dashboard,
    gauge,
    named,
    stacked,
    stat,
    time_series,
    variable,
)

__all__ = ["build"]

_ALL_CPUS: Final = {**HOST, "cpu": equal("cpu-total")}
_BUSY: Final = "  |> map(fn: (r) => ({r with _value: 100.0 - r._value}))\n"


def build() -> Dashboard:
    """The dashboard."""
    board = dashboard("tsmon-host", "Host", "One host as its tsmon-agent measures it.")
    _variables(board)
    for part in (_overview, _processors, _memory, file_systems, devices, network):
        part(board)
    return board


def _variables(board: Dashboard) -> None:
    board.with_variable(
        variable("host", "Host", "Hosts with an agent", tag_values(System, "host"), many=False)
    ).with_variable(
        variable("path", "File system", "Mount points", tag_values(Disk, "path", where=HOST), many=True)
    ).with_variable(
        variable("device", "Device", "Block devices", tag_values(DiskIO, "name", where=HOST), many=True)
    ).with_variable(
        variable(
            "interface",
            "Interface",
            "Network interfaces",
            tag_values(Network, "interface", where=HOST),
            many=True,
        )
    )


def _overview(board: Dashboard) -> None:
    uptime = read(System, "uptime", where=HOST)
    age = (
        f"{newest(uptime)}  |> map(fn: (r) => ({{r with "
        "_value: float(v: int(v: v.timeRangeStop) - int(v: r._time)) / 1000000000.0}))\n"
    )
    fullest = largest(newest(read(Disk, "used_percent", where=PATHS)), Disk, by="host")
    board.with_row(Row("Overview"))
    board.with_panel(stat("Uptime", "dtdurations", "Time since the host booted.", newest(uptime)))
    board.with_panel(stat("Last report", "s", "From the agent's newest point to the end of the time range.", age))
    board.with_panel(
        stat(
            "Load per processor",
            "short",
            "Load over 1 minute, divided by the number of processors; above 1 some had to wait.",
            newest_ratio(System, "load1", "n_cpus", where=HOST, by="host"),
        ).decimals(2)
    )
    board.with_panel(
        gauge(
            "Processors in use",
            "Busy share of all processors.",
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
    board.with_panel(gauge("Fullest file system", "Used share of the fullest of the chosen file systems.", fullest))


def _processors(board: Dashboard) -> None:
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
    board.with_row(Row("Processors"))
    board.with_panel(
        named(
            stacked(
                time_series(
                    "Processor time",
                    "percent",
                    "What all processors together spent their time on; up to 100 they were idle.",
                    means(read(Cpu, *states, where=_ALL_CPUS)),
                )
            ),
            {field(Cpu, state): state.removeprefix("usage_").replace("_", " ") for state in states},
        ).max(100)
    )
    board.with_panel(
        time_series(
            "Busy share of each processor",
            "percent",
            "Time that was not idle. Empty where the agent's percpu is off.",
            means(read(Cpu, "usage_idle", where={**HOST, "cpu": unequal("cpu-total")})) + _BUSY,
        )
        .display_name(label(Cpu, "cpu"))
        .max(100)
    )
    board.with_panel(
        named(
            time_series(
                "Load",
                "short",
                "Mean number of processes that ran, waited to run or waited on disk; beside it the processors.",
                means(read(System, "load1", "load5", "load15", "n_cpus", where=HOST)),
            ),
            {
                field(System, "load1"): "1 minute",
                field(System, "load5"): "5 minutes",
                field(System, "load15"): "15 minutes",
                field(System, "n_cpus"): "processors",
            },
        )
    )
    processes = ("running", "blocked", "sleeping", "idle", "stopped", "zombies", "total_threads")
    board.with_panel(
        named(
            time_series(
                "Processes",
                "short",
                "Processes in each state, and the threads of all of them.",
                means(read(Processes, *processes, where=HOST)),
            ),
            {field(Processes, one): one.removeprefix("total_") for one in processes},
        )
    )


def _memory(board: Dashboard) -> None:
    parts = ("used", "buffered", "cached", "free")
    board.with_row(Row("Memory"))
    board.with_panel(
        named(
            stacked(
                time_series(
                    "Memory",
                    "bytes",
                    "Where physical memory is; buffers and caches are given back when programs need them.",
                    means(read(Memory, *parts, where=HOST)),
                )
            ),
            {field(Memory, part): part for part in parts},
        )
    )
    board.with_panel(
        named(
            time_series(
                "Available memory and pages to write",
                "bytes",
                "What programs can still get without swapping; and pages that wait to be written to disk.",
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
        named(
            time_series(
                "Swap space",
                "bytes",
                "Swap space and its used part; zero on a host without.",
                means(read(Swap, "total", "used", where=HOST)),
            ),
            {field(Swap, "total"): "total", field(Swap, "used"): "used"},
        )
    )
    board.with_panel(
        named(
            time_series(
                "Swapping",
                "Bps",
                "Memory moved to and from swap space; lasting traffic in means that memory is too small.",
                rates(read(Swap, "swapped_in", "swapped_out", where=HOST)),
            ),
            {field(Swap, "swapped_in"): "in", field(Swap, "swapped_out"): "out"},
        )
    )
