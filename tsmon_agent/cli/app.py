"""The application behind ``tsmon-agent``, which the files of this package add their commands to."""

import typer

__all__ = ["app"]

app = typer.Typer(
    name="tsmon-agent",
    help="Sample this host, store the samples, and show them on web pages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
