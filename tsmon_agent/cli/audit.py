"""The command ``tsmon-agent audit``: who changed what."""

from typing import Annotated, Any, Final

import typer

from tsmon_agent.cli.app import app
from tsmon_agent.cli.listing import print_list
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.state_edits import query

SECONDS: Final = len("2024-05-01T12:30:00")


@app.command()
def audit(
    most: Annotated[int, typer.Option("--most", "-n", min=1, max=100_000, help="At most this many.")] = 50,
    who: Annotated[str | None, typer.Option("--who", metavar="NAME", help="Only changes by this user.")] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only changes of this.")] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """List who changed what, or tried to, the newest first."""
    from tsmon_agent.auth import audit_entry_to_json, query_audit

    found = query(settings, lambda session: query_audit(session, most=most, who=who, target=target))
    print_list(
        [audit_entry_to_json(one) for one in found],
        as_json=as_json,
        to_json=lambda entry: entry,
        titles=("time", "who", "from", "action", "target", "outcome", "detail"),
        to_cells=_format_cells,
        if_empty="no changes are recorded" if who or target else "nothing has been changed yet",
    )


def _format_cells(entry: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{entry['time'][:SECONDS]}Z",
        entry["who"],
        entry["address"] or "",
        entry["action"],
        entry["target"] or "",
        entry["outcome"],
        "; ".join(f"{key}: {_format_detail(value)}" for key, value in (entry["detail"] or {}).items()),
    )


def _format_detail(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
