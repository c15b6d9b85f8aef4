"""The command ``tsmon-agent confirm-clock``."""

import asyncio
from datetime import UTC, datetime

from tsmon.cli.terminal import confirm, say
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile, Yes


@app.command(name="confirm-clock")
def confirm_clock(yes: Yes = False, settings: SettingsFile = None) -> None:
    """Confirm a system clock that went ahead; what expires by its time is then removed.

    After a jump of the clock, or while the agent was off, retention waits until the new time has lasted for a day.
    """
    from tsmon.stores.factory import store_from
    from tsmon_agent.settings import load_settings

    store = store_from(load_settings(settings).monitoring, embedded=True)
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if not yes:
        confirm(f"Is it {now}? What expires by that time is removed from {store}.")
    if asyncio.run(store.confirm_clock()):
        say(f"confirmed: it is {now}; the agent goes by that within ten minutes")
    else:
        say(f"{store} waits for no confirmation")
