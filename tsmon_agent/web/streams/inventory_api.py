"""What ``/expected`` and ``/deployed`` have in common: reading and changing one table of the inventory."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.orm import Session

from tsmon.errors import UnknownNameError
from tsmon_agent.auth import Role
from tsmon_agent.streams.inventory import LoadResult
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.openapi import implement
from tsmon_agent.web.requests.bodies import read_object, read_table
from tsmon_agent.web.requests.parameters import ParameterValues
from tsmon_agent.web.requests.required_role import requires_role
from tsmon_agent.web.responses.data import csv_response, json_response
from tsmon_agent.web.security import audited
from tsmon_agent.web.streams.inventory_operations import DRY_RUN, ChangesJson, InventoryOperations, InventoryTable
from tsmon_agent.web.streams.parameters import FORMAT

__all__ = ["InventoryApi"]

Row = TypeVar("Row")
Stored = TypeVar("Stored")
Key = tuple[Any, ...]

SOURCE: Final = "the table"


class InventoryApi(Handlers, Generic[Row, Stored]):
    """Lists, adds, changes and removes rows of one table, one by one and as a whole.

    A subclass describes the table and says how its rows are parsed, stored and formatted.
    """

    table: ClassVar[InventoryTable]

    @abstractmethod
    def select(self, session: Session, values: ParameterValues) -> Sequence[Stored]:
        """The stored rows that the filters select, in order."""

    @abstractmethod
    def find(self, session: Session, key: Key) -> Stored:
        """The row of a key; raises :class:`~tsmon.errors.UnknownNameError`."""

    @abstractmethod
    def add(self, session: Session, row: Row) -> None:
        """Add a row; raises :class:`~tsmon.errors.StateConflictError` where its key is taken."""

    @abstractmethod
    def load(self, session: Session, rows: Sequence[Row], source: str) -> LoadResult:
        """Add rows, and change those whose keys are stored; raises :class:`~tsmon.errors.InvalidRowsError`."""

    @abstractmethod
    def remove(self, session: Session, key: Key) -> None:
        """Remove the row of a key; raises :class:`~tsmon.errors.UnknownNameError`."""

    @abstractmethod
    def parse(self, rows: Iterable[tuple[int, Mapping[str, Any]]], source: str) -> Sequence[Row]:
        """Rows from numbered JSON objects; raises :class:`~tsmon.errors.InvalidRowsError`."""

    @abstractmethod
    def parse_csv(self, table: str, source: str) -> Sequence[Row]:
        """Rows from a table in CSV; raises :class:`~tsmon.errors.InvalidRowsError`."""

    @abstractmethod
    def key_of(self, row: Row) -> Key:
        """The key of a row."""

    @abstractmethod
    def to_json(self, stored: Stored) -> dict[str, Any]:
        """A stored row as JSON, which :meth:`parse` reads."""

    @abstractmethod
    def to_csv(self, stored: Sequence[Stored]) -> str:
        """Stored rows as a table, which :meth:`parse_csv` reads."""

    def routes(self) -> Iterable[web.RouteDef]:
        """The table and each of its rows."""
        see, operate = requires_role(Role.SEE), requires_role(Role.OPERATE)
        table, row, operations = self.table.path, self.table.row_path, InventoryOperations(self.table)
        return (
            web.get(table, see(implement(operations.list, self._list))),
            web.post(table, operate(implement(operations.add, self._add))),
            web.put(table, operate(implement(operations.load, self._load))),
            web.get(row, see(implement(operations.get, self._get))),
            web.put(row, operate(implement(operations.replace, self._replace))),
            web.patch(row, operate(implement(operations.change, self._change))),
            web.delete(row, operate(implement(operations.remove, self._remove))),
        )

    async def _list(self, _: web.Request, values: ParameterValues) -> web.Response:
        found = await self._context.state.run(lambda session: self.select(session, values))
        if values[FORMAT] == "csv":
            return csv_response(self.to_csv(found))
        return json_response({self.table.name: [self.to_json(one) for one in found]})

    async def _add(self, request: web.Request) -> web.Response:
        row = self._parse_row(await read_object(request))

        def add(session: Session) -> dict[str, Any]:
            self.add(session, row)
            return self._read(session, self.key_of(row))

        return await self._save(request, self.table.audited_add, self.key_of(row), add, status=201)

    async def _load(self, request: web.Request, values: ParameterValues) -> web.Response:
        dry_run = values[DRY_RUN]
        table = await read_table(request)
        rows = self.parse_csv(table, SOURCE) if isinstance(table, str) else self.parse(enumerate(table, 1), SOURCE)

        def load(session: Session) -> ChangesJson:
            changes = self.load(session, rows, SOURCE)
            if dry_run:
                session.rollback()
            return ChangesJson(changes.added, changes.changed, changes.unchanged)

        if dry_run:
            return json_response(await self._context.state.run(load))
        detail = {"rows": len(rows)}
        changes = await audited(self._context, request, self.table.audited_load, None, load, detail=detail)
        self._context.request_freshness_round()
        return json_response(changes)

    async def _get(self, _: web.Request, values: ParameterValues) -> web.Response:
        key = self._key_in(values)
        return json_response(await self._context.state.run(lambda session: self._read(session, key)))

    async def _replace(self, request: web.Request, values: ParameterValues) -> web.Response:
        key = self._key_in(values)
        row = self._parse_row({**self.table.defaults, **self._named(await read_object(request), key)})
        exists = await self._context.state.run(lambda session: self._exists(session, key))
        action = self.table.audited_change if exists else self.table.audited_add
        return await self._save(
            request, action, key, lambda session: self._write(session, row), status=200 if exists else 201
        )

    async def _change(self, request: web.Request, values: ParameterValues) -> web.Response:
        key = self._key_in(values)
        changes = self._named(await read_object(request), key)

        def change(session: Session) -> dict[str, Any]:
            return self._write(session, self._parse_row({**self._read(session, key), **changes}))

        return await self._save(request, self.table.audited_change, key, change)

    async def _remove(self, request: web.Request, values: ParameterValues) -> web.Response:
        return await self._remove_key(request, self._key_in(values))

    async def _remove_key(self, request: web.Request, key: Key) -> web.Response:
        target = " ".join(map(str, key))
        await audited(
            self._context, request, self.table.audited_remove, target, lambda session: self.remove(session, key)
        )
        self._context.request_freshness_round()
        return web.Response(status=204)

    async def _save(
        self,
        request: web.Request,
        action: str,
        key: Key,
        work: Callable[[Session], dict[str, Any]],
        *,
        status: int = 200,
    ) -> web.Response:
        """The row that ``work`` returns; a new one (201) with its address."""
        saved = await audited(self._context, request, action, " ".join(map(str, key)), work)
        self._context.request_freshness_round()
        response = json_response(saved, status=status)
        if status == 201:
            path = "/".join((self.table.path, *(quote(str(part), safe="") for part in key)))
            response.headers["Location"] = f"{self._parts.settings.base_path}{path}"
        return response

    def _key_in(self, values: ParameterValues) -> Key:
        return tuple(values[parameter] for parameter in self.table.key.values())

    def _named(self, values: Mapping[str, Any], key: Key) -> dict[str, Any]:
        """Values of a body with the key in the path; raises 422 where the body has another key."""
        columns = dict(zip(self.table.key, key, strict=True))
        for column, part in columns.items():
            if values.get(column, part) != part:
                raise web.HTTPUnprocessableEntity(
                    text=f"The body's {column} differs from that in the path; leave it out of the body."
                )
        return {**values, **columns}

    def _parse_row(self, values: Mapping[str, Any]) -> Row:
        (row,) = self.parse([(1, values)], self.table.noun)
        return row

    def _read(self, session: Session, key: Key) -> dict[str, Any]:
        return self.to_json(self.find(session, key))

    def _write(self, session: Session, row: Row) -> dict[str, Any]:
        self.load(session, [row], self.table.noun)
        return self._read(session, self.key_of(row))

    def _exists(self, session: Session, key: Key) -> bool:
        try:
            self.find(session, key)
        except UnknownNameError:
            return False
        return True
