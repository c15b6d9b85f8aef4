"""Expected streams and deployments: loaded into the state from tables and JSON, edited, queried and exported."""

from tsmon_agent.streams.inventory.deployment_rows import (
    DeploymentRow,
    parse_deployment_csv,
    parse_deployment_rows,
)
from tsmon_agent.streams.inventory.deployments import (
    add_deployment,
    end_deployment,
    load_deployments,
    query_availability_deployments,
    query_deployments,
    remove_deployment,
)
from tsmon_agent.streams.inventory.expected_streams import (
    InstrumentSummary,
    find_streams,
    load_streams,
    query_selectors,
    query_streams,
    remove_streams,
    selector_of,
    set_enabled,
    summarize_instruments,
)
from tsmon_agent.streams.inventory.export import (
    deployment_to_json,
    format_deployments_csv,
    format_streams_csv,
    stream_to_json,
)
from tsmon_agent.streams.inventory.row_loading import LoadResult
from tsmon_agent.streams.inventory.rule_overrides import build_rules
from tsmon_agent.streams.inventory.stream_rows import StreamRow, parse_stream_csv, parse_stream_rows

__all__ = [
    "DeploymentRow",
    "InstrumentSummary",
    "LoadResult",
    "StreamRow",
    "add_deployment",
    "build_rules",
    "deployment_to_json",
    "end_deployment",
    "find_streams",
    "format_deployments_csv",
    "format_streams_csv",
    "load_deployments",
    "load_streams",
    "parse_deployment_csv",
    "parse_deployment_rows",
    "parse_stream_csv",
    "parse_stream_rows",
    "query_availability_deployments",
    "query_deployments",
    "query_selectors",
    "query_streams",
    "remove_deployment",
    "remove_streams",
    "selector_of",
    "set_enabled",
    "stream_to_json",
    "summarize_instruments",
]
