"""The commands ``tsmon-agent token …``: who may do what, also while the agent runs."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import AccessError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.listing import print_list
from tsmon_agent.cli.options import AsJson, SettingsFile, Yes
from tsmon_agent.cli.state_edits import edit, open_database, query

if TYPE_CHECKING:
    from tsmon_agent.auth import Role
    from tsmon_agent.state import Token

token = typer.Typer(
    help="Tokens: who may see pages, write points, operate streams, or administer everything.",
    no_args_is_help=True,
)
app.add_typer(token, name="token")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the token: who has it, or what it is for.")]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="A lifetime such as 90d, a time in ISO 8601, or forever."),
]


@token.command()
def create(
    name: Name,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            "-r",
            metavar="ROLE",
            help="see, write, operate (includes see) or administer (includes all); may be repeated.",
        ),
    ] = None,
    expires: Expires = None,
    settings: SettingsFile = None,
) -> None:
    """Create a token, by default with the role see, and print it on standard output."""
    from tsmon_agent.auth import create_token

    roles = _parse_roles(role or ["see"])
    now_ns = time.time_ns()
    expires_ns = _parse_expiry(expires, now_ns)
    with open_database(settings) as database:
        secret = edit(
            database,
            "create a token",
            name,
            lambda session: create_token(session, name, roles, now_ns=now_ns, expires_ns=expires_ns),
            detail={"roles": sorted(roles)} | ({"expires": expires} if expires else {}),
        )
    _print_secret(name, secret)


@token.command("list")
def list_tokens(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """List all tokens, without their secrets."""
    from tsmon_agent.auth import query_tokens

    now_ns = time.time_ns()
    print_list(
        query(settings, query_tokens),
        as_json=as_json,
        to_json=_to_json,
        titles=("name", "roles", "created", "expires", "last used"),
        to_cells=lambda one: _format_cells(one, now_ns),
        if_empty="there are no tokens; create one with tsmon-agent token create NAME --role administer",
    )


@token.command()
def rotate(name: Name, expires: Expires = None, settings: SettingsFile = None) -> None:
    """Replace the secret of a token and print the new one; the old one and its sign-ins end at once."""
    from msgspec import UNSET

    from tsmon_agent.auth import rotate_token

    now_ns = time.time_ns()
    expires_ns = UNSET if expires is None else _parse_expiry(expires, now_ns)
    with open_database(settings) as database:
        secret = edit(
            database,
            "rotate a token",
            name,
            lambda session: rotate_token(session, name, now_ns=now_ns, expires_ns=expires_ns),
            detail={"expires": expires} if expires else None,
        )
    _print_secret(name, secret)


@token.command()
def revoke(name: Name, yes: Yes = False, settings: SettingsFile = None) -> None:
    """Delete a token, and sign out everybody who signed in with it."""
    from tsmon_agent.auth import revoke_token

    with open_database(settings) as database:
        if not yes:
            confirm(f"Revoke the token {name}?")
        edit(database, "revoke a token", name, lambda session: revoke_token(session, name))
    say(f"token {name} revoked; a running agent refuses it within a second")


def _print_secret(name: str, secret: str) -> None:
    # The secret alone is on standard output, so that it can be piped.
    say(f"the token {name} is shown only this once; keep it where nobody else can read it:", err=True)
    typer.echo(secret)


def _parse_roles(names: list[str]) -> set["Role"]:
    from tsmon_agent.auth import Role

    known = {role.value: role for role in Role}
    for name in names:
        if name not in known:
            raise AccessError(f"there is no role {name!r}; there are {', '.join(known)}")
    return {known[name] for name in names}


def _parse_expiry(text: str | None, now_ns: int) -> int | None:
    """Parse a lifetime or a time into the time of expiry in nanoseconds; None if there is none."""
    if text is None:
        return None
    from tsmon.settings.durations import parse_duration
    from tsmon_agent.state.times import parse_time_ns

    try:
        length_ns = parse_duration(text)
    except ValueError:
        pass
    else:
        return None if length_ns is None else now_ns + length_ns
    try:
        return parse_time_ns(text)
    except ValueError:
        raise AccessError(
            f"--expires {text!r} is neither a lifetime, such as 90d, nor a time in ISO 8601"
        ) from None


def _format_cells(token: "Token", now_ns: int) -> tuple[str, ...]:
    expires = _format_time(token.expires_ns)
    if token.expires_ns is not None and token.expires_ns <= now_ns:
        expires += " (expired)"
    return (
        token.name,
        ", ".join(token.roles),
        _format_time(token.created_ns),
        expires,
        _format_time(token.last_used_ns),
    )


def _format_time(time_ns: int | None) -> str:
    from tsmon.time_units import SECOND_NS
    from tsmon_agent.state.times import format_exact_time

    return "never" if time_ns is None else format_exact_time(time_ns // SECOND_NS * SECOND_NS)


def _to_json(token: "Token") -> dict[str, object]:
    from tsmon_agent.state.times import format_exact_time

    return {
        "name": token.name,
        "roles": token.roles,
        "created": format_exact_time(token.created_ns),
        "expires": format_exact_time(token.expires_ns) or None,
        "last_used": format_exact_time(token.last_used_ns) or None,
    }
