"""Expected streams and deployments: from tables and JSON into the state, and out of it."""

from tsmon_agent.streams.inventory.deployments import (
    add_deployment,
    deployments,
    deployments_of,
    end_deployment,
    load_deployments,
    remove_deployment,
)
from tsmon_agent.streams.inventory.expected_streams import (
    Instrument,
    instruments,
    load_streams,
    remove_streams,
    selector_of,
    set_enabled,
    streams,
    streams_of,
)
from tsmon_agent.streams.inventory.export import deployment_json, deployments_csv, stream_json, streams_csv
from tsmon_agent.streams.inventory.load_result import Changes
from tsmon_agent.streams.inventory.row_parsing import (
    DeploymentRow,
    StreamRow,
    deployment_rows,
    deployment_rows_of_csv,
    stream_rows,
    stream_rows_of_csv,
)
from tsmon_agent.streams.inventory.rule_overrides import rules_of

__all__ = [
    "Changes",
    "DeploymentRow",
    "Instrument",
    "StreamRow",
    "add_deployment",
    "deployment_json",
    "deployment_rows",
    "deployment_rows_of_csv",
    "deployments",
    "deployments_csv",
    "deployments_of",
    "end_deployment",
    "instruments",
    "load_deployments",
    "load_streams",
    "remove_deployment",
    "remove_streams",
    "rules_of",
    "selector_of",
    "set_enabled",
    "stream_json",
    "stream_rows",
    "stream_rows_of_csv",
    "streams",
    "streams_csv",
    "streams_of",
]
