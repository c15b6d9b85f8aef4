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
    from tsmon_agent.upkeep.retention_terms import describe_status, policy_of

    loaded = load_settings(settings)
    samplers = build_samplers(loaded.agent)
    configured_database(loaded).check_file()
    store = store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)
    remark = asyncio.run(store.check())
    names = ", ".join(f"{sampler.name} every {interval_s:g} s" for sampler, interval_s in samplers)
    say(f"settings: fine; samplers: {names or 'none'}")
    say(f"store: {store} {remark or 'accepts points'}")
    status = asyncio.run(store.read_retention(policy_of(loaded.monitoring, loaded.streams)))
    for sentence in describe_status(status) if status is not None else ():
        say(f"retention: {sentence}")
