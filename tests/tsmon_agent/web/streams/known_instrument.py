"""An instrument with two deployments, two streams and their data."""

import pytest

from tests.tsmon_agent.web.served_agent import ServedAgent
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory import load_deployments, load_streams, parse_deployment_csv, parse_stream_csv

__all__ = ["NAME", "START", "known"]

S = 1_000_000_000
NAME = "CE01ISSM-MFD37-03-CTDBPC000"
START = 1_700_000_000
EXPECTED = f"{NAME},streamed,ctd,0.1,60,600\n{NAME},recovered,ctd,0.1,60,600\nGP03-X,streamed,flow,,,\n"
DEPLOYED = f"{NAME},1,{START},{START + 100_000}\n{NAME},2,{START + 150_000},{START + 250_000}\n"


@pytest.fixture
async def known(served: ServedAgent) -> ServedAgent:
    """Two deployments; in the first all data of one stream are there, in the second there is an outage."""
    state = served.context.state
    await state.open()
    await state.run(lambda s: load_streams(s, parse_stream_csv(EXPECTED, Settings(), source="expected")))
    await state.run(lambda s: load_deployments(s, parse_deployment_csv(DEPLOYED, source="deployed")))
    seconds = [*range(0, 100_000, 10), *range(150_000, 200_000, 10), *range(210_000, 250_000, 10)]
    lines = [f"ctd,reference_designator={NAME},method=streamed value=1 {(START + n) * S}" for n in seconds]
    await served.context.store.write("\n".join(lines).encode())
    return served
