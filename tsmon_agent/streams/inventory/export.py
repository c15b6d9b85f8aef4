"""Streams and deployments as tables in CSV, which load again to the same, and as JSON."""

from collections.abc import Iterable
from typing import Any

from tsmon.stores import selector_text
from tsmon.time_units import SECOND_NS
from tsmon_agent.state import Deployment, ExpectedStream
from tsmon_agent.streams.inventory.cell_parsing import exact_time_text, seconds_text
from tsmon_agent.streams.inventory.csv_table import csv_text
from tsmon_agent.streams.inventory.expected_streams import selector_of
from tsmon_agent.streams.inventory.row_parsing import DEPLOYMENT_COLUMNS, STREAM_COLUMNS
from tsmon_agent.streams.inventory.rule_overrides import rules_text

__all__ = ["deployment_json", "deployments_csv", "seconds_of", "stream_json", "streams_csv"]


def streams_csv(streams: Iterable[ExpectedStream]) -> str:
    """The table of expected streams."""
    return csv_text(STREAM_COLUMNS, map(_stream_cells, streams))


def deployments_csv(deployments: Iterable[Deployment]) -> str:
    """The table of deployments."""
    return csv_text(
        DEPLOYMENT_COLUMNS,
        (
            {
                "reference_designator": one.reference_designator,
                "number": str(one.number),
                "start": exact_time_text(one.start_ns),
                "end": exact_time_text(one.end_ns),
            }
            for one in deployments
        ),
    )


def stream_json(stream: ExpectedStream) -> dict[str, Any]:
    """A stream for JSON, with the keys that :func:`stream_rows` reads; intervals in seconds."""
    return {
        "reference_designator": stream.reference_designator,
        "method": stream.method,
        "stream": stream.stream,
        "expected_rate": stream.expected_rate,
        "warn_interval": seconds_of(stream.warn_interval_ns),
        "fail_interval": seconds_of(stream.fail_interval_ns),
        "selector": selector_text(selector_of(stream)),
        "rules": stream.rules,
        "enabled": stream.enabled,
    }


def deployment_json(deployment: Deployment) -> dict[str, Any]:
    """A deployment for JSON, with the keys that :func:`deployment_rows` reads; times in UTC."""
    return {
        "reference_designator": deployment.reference_designator,
        "number": deployment.number,
        "start": exact_time_text(deployment.start_ns),
        "end": exact_time_text(deployment.end_ns) or None,
    }


def _stream_cells(stream: ExpectedStream) -> dict[str, str]:
    return {
        "reference_designator": stream.reference_designator,
        "method": stream.method,
        "stream": stream.stream,
        "expected_rate": "" if stream.expected_rate is None else repr(stream.expected_rate),
        "warn_interval": seconds_text(stream.warn_interval_ns),
        "fail_interval": seconds_text(stream.fail_interval_ns),
        "selector": selector_text(selector_of(stream)),
        "rules": rules_text(stream.rules),
        "enabled": "true" if stream.enabled else "false",
    }


def seconds_of(interval_ns: int | None) -> float | None:
    """Nanoseconds in seconds, as JSON has them."""
    return None if interval_ns is None else interval_ns / SECOND_NS
