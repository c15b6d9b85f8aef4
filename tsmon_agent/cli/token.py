"""The commands ``tsmon-agent token …``: who may do what, also while the agent runs."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, print_json, print_table, say
from tsmon.errors import AccessError
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.state_edits import edit, open_database

if TYPE_CHECKING:
    from tsmon_agent.auth import Role
    from tsmon_agent.state import Token

__all__ = ["token"]

token = typer.Typer(
    help="Tokens: who may see pages, write points, operate streams, administer all.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token: who has it, or what for.")]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="WHEN", help="After so long, such as 90d, at a time in ISO 8601, or forever."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

SHOWN_ONCE = "this is the only time that it is shown; keep it where nobody else reads it"


@token.command()
def create(
    name: Name,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            "-r",
            metavar="ROLE",
            help="see, write, operate (includes see) or administer (includes all); may be given more than once.",
        ),
    ] = None,
    expires: Expires = None,
    settings: SettingsFile = None,
) -> None:
    """Make a token, by default one to see with, and print it on standard output."""
    from tsmon_agent.auth import create_token

    roles = _roles(role or ["see"])
    now_ns = time.time_ns()
    expires_ns = _expires(expires, now_ns)
    with open_database(settings) as (_, database):
        secret = edit(
            database,
            "create a token",
            name,
            lambda session: create_token(session, name, roles, now_ns=now_ns, expires_ns=expires_ns),
            detail={"roles": sorted(roles)} | ({"expires": expires} if expires else {}),
        )
    say(f"token {name}; {SHOWN_ONCE}:", err=True)
    typer.echo(secret)


@token.command("list")
def list_tokens(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Print all tokens, without what is secret of them."""
    from tsmon_agent.auth import query_tokens
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    with open_database(settings) as (_, database):
        found = database.run(query_tokens)
    if as_json:
        print_json([_json(one) for one in found])
    elif found:
        now_ns = time.time_ns()
        rows = (
            (
                one.name,
                ", ".join(one.roles),
                format_exact_time(one.created_ns),
                _end(one, now_ns),
                format_exact_time(one.last_used_ns) or "never",
            )
            for one in found
        )
        print_table(("name", "roles", "made", "expires", "last used"), rows)
    else:
        say("there are no tokens; make one with tsmon-agent token create NAME --role administer")


@token.command()
def rotate(name: Name, expires: Expires = None, settings: SettingsFile = None) -> None:
    """Give a token a new secret and print it; the old one, and who signed in with it, are good no more."""
    from msgspec import UNSET

    from tsmon_agent.auth import rotate_token

    now_ns = time.time_ns()
    expires_ns = _expires(expires, now_ns)
    with open_database(settings) as (_, database):
        secret = edit(
            database,
            "rotate a token",
            name,
            lambda session: rotate_token(
                session, name, now_ns=now_ns, expires_ns=UNSET if expires is None else expires_ns
            ),
            detail={"expires": expires} if expires else None,
        )
    say(f"token {name}; {SHOWN_ONCE}:", err=True)
    typer.echo(secret)


@token.command()
def revoke(name: Name, yes: Yes = False, settings: SettingsFile = None) -> None:
    """Make a token worthless, and sign out who signed in with it."""
    from tsmon_agent.auth import revoke_token

    with open_database(settings) as (_, database):
        if not yes:
            confirm(f"Revoke the token {name}?")
        edit(database, "revoke a token", name, lambda session: revoke_token(session, name))
    say(f"token {name} revoked; a running agent refuses it within a second")


def _roles(names: list[str]) -> set["Role"]:
    from tsmon_agent.auth import Role

    known = {role.value: role for role in Role}
    for name in names:
        if name not in known:
            raise AccessError(f"there is no role {name!r}; there are {', '.join(known)}")
    return {known[name] for name in names}


def _expires(text: str | None, now_ns: int) -> int | None:
    """Time in nanoseconds that a length or a time means; None for ever, and where nothing is said."""
    if text is None:
        return None
    from tsmon.settings.durations import parse_duration
    from tsmon_agent.streams.inventory.cell_parsing import parse_time_ns

    try:
        length_ns = parse_duration(text)
    except ValueError:
        pass
    else:
        return None if length_ns is None else now_ns + length_ns
    try:
        return parse_time_ns(text)
    except ValueError:
        raise AccessError(f"--expires {text!r} is neither a length, such as 90d, nor a time in ISO 8601") from None


def _end(token: "Token", now_ns: int) -> str:
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    if token.expires_ns is None:
        return "never"
    return format_exact_time(token.expires_ns) + (" (expired)" if token.expires_ns <= now_ns else "")


def _json(token: "Token") -> dict[str, object]:
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    return {
        "name": token.name,
        "roles": token.roles,
        "created": format_exact_time(token.created_ns),
        "expires": format_exact_time(token.expires_ns) or None,
        "last_used": format_exact_time(token.last_used_ns) or None,
    }
