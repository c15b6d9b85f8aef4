"""The command ``tsmon-agent check``: settings and store."""

import asyncio

from tsmon.cli.terminal import say
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile


@app.command()
def check(settings: SettingsFile = None) -> None:
    """Check the settings, whether the configured store would accept points, and what retention would remove."""
    from tsmon.stores.factory import store_from
    from tsmon_agent.cli.state_edits import configured_database
    from tsmon_agent.host.sampling.from_settings import build_samplers
    from tsmon_agent.settings import load_settings
    from tsmon_agent.upkeep.retention_terms import describe_status, format_keep, policy_of

    loaded = load_settings(settings)
    samplers = build_samplers(loaded.agent)
    configured_database(loaded).check_file()
    store = store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)
    remark = asyncio.run(store.check())
    names = ", ".join(f"{sampler.name} every {interval_s:g} s" for sampler, interval_s in samplers)
    say(f"settings: fine; samplers: {names or 'none'}")
    say(f"store: {store} {remark or 'accepts points'}")
    policy = policy_of(loaded.monitoring, loaded.streams)
    status = asyncio.run(store.read_retention(policy))
    if status is None:
        return
    for sentence in describe_status(status, on_server=store.needs_setup):
        say(f"retention: {sentence}")
    keep_ns = status.in_force.streams_ns
    if store.needs_setup and keep_ns is not None and (policy.streams_ns is None or policy.streams_ns > keep_ns):
        say(
            f"retention: the server keeps points {format_keep(keep_ns)}, those of expected streams too; "
            "give the bucket a longer retention, or none"
        )
