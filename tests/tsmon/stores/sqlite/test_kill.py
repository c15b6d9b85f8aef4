"""What was acknowledged survives ``kill -9``, and no batch is there in part."""

import random
import subprocess
import sys
import time
from pathlib import Path

from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore, check

KILLS = 20
POINTS = 200

WRITING = f"""
import asyncio, itertools, sys
from tsmon.stores.sqlite import SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]) as store:
        for batch in itertools.count(int(sys.argv[2])):
            points = range(batch * {POINTS}, (batch + 1) * {POINTS})
            lines = (f"m,worker={{n % 7}} n={{n}}i,batch={{batch}}i {{n}}" for n in points)
            await store.write("\\n".join(lines).encode())
            print(batch, flush=True)

asyncio.run(main())
"""


def acknowledged_until_killed(path: Path, first: int, chance: random.Random) -> list[int]:
    process = subprocess.Popen([sys.executable, "-c", WRITING, str(path), str(first)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout as output:
        batches = [int(output.readline()) for _ in range(chance.randrange(25))]
        time.sleep(chance.uniform(0, 0.01))  # so that the blow falls anywhere within a batch
        process.kill()
        return batches + [int(line) for line in output.read().split(b"\n")[:-1]]


async def test_acknowledged_batches_survive_twenty_kills(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    chance = random.Random(20)
    acknowledged: list[int] = []
    first = 0
    for _ in range(KILLS):
        acknowledged += acknowledged_until_killed(path, first, chance)
        if not path.exists():
            continue
        async with SqliteStore(path) as store:
            bins = await store.bins(Selector("m", "n"), start_ns=0, stop_ns=10**12, every_ns=POINTS)
        assert {one.count for one in bins} <= {POINTS}
        found = {one.start_ns // POINTS for one in bins}
        assert found >= set(acknowledged)
        first = max(found, default=-1) + 1
    assert check(path) == []
    assert not list(tmp_path.glob("*damaged*"))
    assert len(acknowledged) > KILLS
