"""The state on an event loop."""

import asyncio
import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.services.postgresql import PostgreSQL
from tsmon.errors import StateError, StateUnavailableError
from tsmon_agent.state import AuditEntry, State


def audited(session: Session) -> int:
    session.add(AuditEntry(time_ns=1, who="me", action="look", outcome="done"))
    session.flush()
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


async def test_one_transaction_at_a_time_on_a_thread_of_its_own(state_url: str) -> None:
    async with State(state_url) as state:
        assert sorted(await asyncio.gather(*(state.run(audited) for _ in range(20)))) == list(range(1, 21))
        names = {await state.run(lambda _: threading.current_thread().name) for _ in range(3)}
        assert len(names) == 1
        assert names.pop().startswith("tsmon-state")


async def test_the_loop_continues_meanwhile(state_url: str) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work(_: Session) -> bool:
        entered.set()
        return leave.wait(10)

    async with State(state_url) as state:
        task = asyncio.create_task(state.run(work))
        while not entered.is_set():
            await asyncio.sleep(0)
        leave.set()
        assert await task


async def test_what_work_raises_is_raised(state_url: str) -> None:
    def work(session: Session) -> None:
        audited(session)
        raise LookupError("no such stream")

    async with State(state_url) as state:
        with pytest.raises(LookupError, match="no such stream"):
            await state.run(work)
        assert await state.run(audited) == 1


async def test_run_opens_what_could_not_be_opened_before(postgresql: PostgreSQL) -> None:
    state = State(postgresql.url(postgresql.new_database()))
    postgresql.stop()
    try:
        with pytest.raises(StateUnavailableError, match="cannot be reached"):
            await state.open()
        with pytest.raises(StateUnavailableError):
            await state.run(audited)
    finally:
        postgresql.start()
    assert await state.run(audited) == 1
    await state.close()


async def test_after_close(state_url: str) -> None:
    state = State(state_url)
    await state.open()
    await state.close()
    await state.close()
    with pytest.raises(StateError, match="is closed"):
        await state.run(audited)


async def test_a_password_is_not_shown(postgresql: PostgreSQL) -> None:
    state = State(postgresql.url())
    assert postgresql.password not in f"{state} {state!r}"
    await state.close()
