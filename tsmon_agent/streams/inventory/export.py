"""Streams and deployments as tables in CSV, which load again to the same, and as JSON."""

from collections.abc import Iterable
from typing import Any

from tsmon.stores import format_selector
from tsmon.time_units import SECOND_NS
from tsmon_agent.state import Deployment, ExpectedStream
from tsmon_agent.state.times import format_exact_time
from tsmon_agent.streams.inventory.cell_parsing import format_seconds
from tsmon_agent.streams.inventory.csv_table import format_csv
from tsmon_agent.streams.inventory.deployment_rows import DEPLOYMENT_COLUMNS
from tsmon_agent.streams.inventory.expected_streams import selector_of
from tsmon_agent.streams.inventory.rule_overrides import format_rules
from tsmon_agent.streams.inventory.stream_rows import STREAM_COLUMNS

__all__ = ["deployment_to_json", "format_deployments_csv", "format_streams_csv", "seconds_of", "stream_to_json"]


def format_streams_csv(streams: Iterable[ExpectedStream]) -> str:
    """Format the table of expected streams."""
    return format_csv(STREAM_COLUMNS, map(_stream_cells, streams))


def format_deployments_csv(deployments: Iterable[Deployment]) -> str:
    """Format the table of deployments."""
    return format_csv(DEPLOYMENT_COLUMNS, map(_deployment_cells, deployments))


def stream_to_json(stream: ExpectedStream) -> dict[str, Any]:
    """A stream for JSON, with the keys that :func:`parse_stream_rows` reads; intervals are in seconds."""
    return {
        "reference_designator": stream.reference_designator,
        "method": stream.method,
        "stream": stream.stream,
        "expected_rate": stream.expected_rate,
        "warn_interval": seconds_of(stream.warn_interval_ns),
        "fail_interval": seconds_of(stream.fail_interval_ns),
        "selector": format_selector(selector_of(stream)),
        "rules": stream.rules,
        "enabled": stream.enabled,
    }


def deployment_to_json(deployment: Deployment) -> dict[str, Any]:
    """A deployment for JSON, with the keys that :func:`parse_deployment_rows` reads; times are in UTC."""
    return {
        "reference_designator": deployment.reference_designator,
        "number": deployment.number,
        "start": format_exact_time(deployment.start_ns),
        "end": format_exact_time(deployment.end_ns) or None,
    }


def seconds_of(interval_ns: int | None) -> float | None:
    """An interval in seconds, as JSON has it."""
    return None if interval_ns is None else interval_ns / SECOND_NS


def _stream_cells(stream: ExpectedStream) -> dict[str, str]:
    return {
        "reference_designator": stream.reference_designator,
        "method": stream.method,
        "stream": stream.stream,
        "expected_rate": "" if stream.expected_rate is None else repr(stream.expected_rate),
        "warn_interval": format_seconds(stream.warn_interval_ns),
        "fail_interval": format_seconds(stream.fail_interval_ns),
        "selector": format_selector(selector_of(stream)),
        "rules": format_rules(stream.rules),
        "enabled": "true" if stream.enabled else "false",
    }


def _deployment_cells(deployment: Deployment) -> dict[str, str]:
    return {
        "reference_designator": deployment.reference_designator,
        "number": str(deployment.number),
        "start": format_exact_time(deployment.start_ns),
        "end": format_exact_time(deployment.end_ns),
    }
