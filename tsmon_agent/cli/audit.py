"""The command ``tsmon-agent audit``: who changed what."""

from typing import Annotated

import typer

from tsmon.cli.terminal import print_json, print_table, say
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.state_edits import open_database

__all__ = ["audit"]


def audit(
    most: Annotated[int, typer.Option("--most", "-n", min=1, max=100_000, help="How many.")] = 50,
    who: Annotated[str | None, typer.Option("--who", metavar="NAME", help="Only what this one did.")] = None,
    target: Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only changes of this.")] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Print who changed what, or tried to, the newest first."""
    from tsmon_agent.auth import audit_entry_to_json, query_audit

    with open_database(settings) as (_, database):
        found = [
            audit_entry_to_json(one)
            for one in database.run(lambda session: query_audit(session, most=most, who=who, target=target))
        ]
    if as_json:
        print_json(found)
    elif found:
        titles = ("time", "who", "from", "action", "target", "outcome", "detail")
        print_table(
            titles,
            (
                (
                    one["time"],
                    one["who"],
                    one["address"] or "",
                    one["action"],
                    one["target"] or "",
                    one["outcome"],
                    "; ".join(f"{key}: {_plain(value)}" for key, value in (one["detail"] or {}).items()),
                )
                for one in found
            ),
        )
    else:
        say("nothing was changed yet")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
