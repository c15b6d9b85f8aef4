"""A disk that hangs costs durability and nothing else: no event loop, flush, stop or exit waits for it."""

from tests.services.hanging_disk import HangingDisk, _shim, hanging_disk

__all__ = ["_shim", "hanging_disk"]

STILL_S = 0.2
"""How long the event loop may stand still on a busy machine; a call that hangs takes ten times as long."""

MARGIN_S = 1.7
"""What a stop may take beyond its timeout: a second in which a slow disk could still answer, and a busy machine."""


def test_a_server_and_a_disk_that_are_away(hanging_disk: HangingDisk) -> None:
    found = hanging_disk.run(
        """
async def main(mode):
    monitor = Monitor(MonitoringSettings.model_validate(options | {"spool": mode}))
    await monitor.start()
    ticks = asyncio.create_task(ticking(mode))
    monitor.emit(Numbered(n=n) for n in range(10))
    while monitor.durable_sequence < 10:
        await asyncio.sleep(0.005)
    hang()
    monitor.emit(Numbered(n=n) for n in range(10, 1_000))
    with timing(f"{mode} flush"):
        try:
            await monitor.flush(0.2)
        except FlushTimeoutError:
            pass
    with timing(f"{mode} stop"):
        await monitor.stop(0.2)
    note(monitor, mode)
    ticks.cancel()

for mode in ("on", "required"):
    asyncio.run(main(mode))
    answer()
hang()
report()
""",
        url="http://127.0.0.1:1",
        organization="o",
        flushing_period=0.01,
    )
    for mode in ("on", "required"):
        assert found.values[f"{mode} still"] < STILL_S
        assert found.values[f"{mode} flush"] < 0.2 + STILL_S
        assert found.values[f"{mode} stop"] < 0.2 + MARGIN_S
        accepted, written, pending, dropped = found.values[mode]
        assert (accepted, written) == (1_000, 0)
        assert pending >= 10
        assert dropped == {"stopped": 990}
    assert "cannot be used (the disk does not answer)" in found.log
    assert "990 points were not written before the stop and are lost" in found.log
    assert found.exit_s < MARGIN_S


def test_points_are_sent_from_memory_and_go_to_the_disk_when_it_answers(hanging_disk: HangingDisk) -> None:
    found = hanging_disk.run(
        """
from tests.services.recorded import Answer, recorded_server

is_away = False

def answers(lines):
    if is_away:
        return Answer(503)
    refused = {n: "no" for n, line in enumerate(lines) if "n=13i" in line}
    if not refused:
        return Answer(204, stored=tuple(range(len(lines))))
    return Answer(400, json.dumps({"code": "invalid", "message": "unable to parse: no"}))

async def main(mode):
    global is_away
    is_away = False
    async with recorded_server(answers) as server:
        monitor = Monitor(MonitoringSettings.model_validate(options | {"spool": mode, "url": server.url}))
        hang()
        with timing(f"{mode} start"):
            await monitor.start()
        ticks = asyncio.create_task(ticking(mode))
        monitor.emit(Numbered(n=n) for n in range(1_000))
        with timing(f"{mode} flush"):
            await monitor.flush(20.0)
        found[f"{mode} sent"] = len(set(server.lines))
        answer()
        # The letter is written, and the disk is used again.
        letters = disk / "spool" / "dead_letters"
        while not (letters.is_dir() and any(path.stat().st_size for path in letters.iterdir())):
            await asyncio.sleep(0.005)
        is_away = True
        monitor.emit(Numbered(n=n) for n in range(1_000, 1_010))
        while monitor.durable_sequence < 1_010:
            await asyncio.sleep(0.005)
        await monitor.stop(0.1)
        note(monitor, mode)
        ticks.cancel()
        for letter in letters.iterdir():
            letter.unlink()

for mode in ("on", "required"):
    asyncio.run(main(mode))
report()
""",
        organization="o",
        flushing_period=0.01,
    )
    for mode in ("on", "required"):
        assert found.values[f"{mode} still"] < STILL_S
        assert found.values[f"{mode} sent"] == 999
        assert found.values[mode] == [1_010, 999, 10, {"rejected": 1}]
    assert found.exit_s < MARGIN_S


def test_the_embedded_store(hanging_disk: HangingDisk) -> None:
    found = hanging_disk.run(
        """
options = {"store": "sqlite", "file": str(disk / "metrics.db"), "self_metrics_period": 0, "flushing_period": 0.01}

async def main():
    monitor = Monitor(MonitoringSettings.model_validate(options))
    await monitor.start()
    ticks = asyncio.create_task(ticking("async"))
    hang()
    monitor.emit(Numbered(n=n) for n in range(1_000))
    with timing("flush"):
        try:
            await monitor.flush(0.2)
        except FlushTimeoutError:
            pass
    answer()
    await monitor.flush(20.0)
    note(monitor, "answered")
    hang()
    monitor.emit(Numbered(n=n) for n in range(1_000, 1_500))
    with timing("stop"):
        await monitor.stop(0.2)
    note(monitor, "stopped")
    answer()

asyncio.run(main())
options["file"] = str(disk / "other.db")
background = Monitor(MonitoringSettings.model_validate(options)).start_in_background()
hang()
background.emit(Numbered(n=n) for n in range(1_000))
with timing("background"):
    background.stop(0.2)
note(background, "threaded")
report()
"""
    )
    assert found.values["async still"] < STILL_S
    assert found.values["flush"] < 0.2 + STILL_S
    assert found.values["stop"] < 0.2 + MARGIN_S
    assert found.values["background"] < 0.2 + MARGIN_S
    assert found.values["answered"] == [1_000, 1_000, 0, {}]
    assert found.values["stopped"] == [1_500, 1_000, 0, {"stopped": 500}]
    assert found.values["threaded"] == [1_000, 0, 0, {"stopped": 1_000}]
    assert "is left open: the disk does not answer" in found.log
    assert found.exit_s < MARGIN_S


def test_an_exit_without_a_stop(hanging_disk: HangingDisk) -> None:
    found = hanging_disk.run(
        """
background = Monitor(MonitoringSettings.model_validate(options)).start_in_background()
type(background).stop.__defaults__ = (0.2,)
background.emit(Numbered(n=0))
hang()
background.emit(Numbered(n=n) for n in range(1_000))
note(background, "counts")
report()
""",
        url="http://127.0.0.1:1",
        organization="o",
    )
    assert "1001 points were not written before the stop and are lost" in found.log
    assert found.exit_s < 0.2 + 2 * MARGIN_S


def test_a_token_file_on_it(hanging_disk: HangingDisk) -> None:
    (hanging_disk.root / "token").write_text("t")
    found = hanging_disk.run(
        """
from tests.services.recorded import Answer, recorded_server
from tsmon import StoreError

async def main():
    is_refused = False
    def answer(lines):
        return Answer(401, "{}") if is_refused else Answer(204, "", tuple(range(len(lines))))
    async with recorded_server(answer) as server:
        settings = MonitoringSettings.model_validate(options | {"url": server.url})
        monitor = Monitor(settings)
        await monitor.start()
        ticks = asyncio.create_task(ticking("running"))
        monitor.emit(Numbered(n=0))
        await monitor.flush(5)
        is_refused = True
        hang()
        monitor.emit(Numbered(n=n) for n in range(1, 10))
        while "does not answer" not in str(monitor.last_error):
            await asyncio.sleep(0.005)
        found["reason"] = monitor.last_error
        is_refused = False
        with timing("start"):
            try:
                await Monitor(settings).start()
            except StoreError as error:
                found["refused"] = str(error)
        answer_disk()
        while monitor.counts.pending:
            try:
                await monitor.flush(0.1)
            except FlushTimeoutError:
                pass
        note(monitor, "counts")
        hang()
        ticks.cancel()
        with timing("stop"):
            await monitor.stop(0.2)

answer_disk = globals()["answer"]
asyncio.run(main())
report()
""",
        organization="o",
        bucket="b",
        token_file=str(hanging_disk.root / "token"),
        spool="off",
        flushing_period=0.01,
    )
    assert found.values["running still"] < STILL_S
    assert found.values["start"] < MARGIN_S
    reason = f"monitoring.token_file {hanging_disk.root / 'token'} cannot be read (the disk does not answer)"
    assert reason in found.values["reason"]
    assert reason in found.values["refused"]
    assert found.values["counts"] == [10, 10, 0, {}]
    assert found.values["stop"] < 0.2 + MARGIN_S
    assert found.exit_s < MARGIN_S
