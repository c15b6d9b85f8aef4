"""The operations of a table of the inventory, in the words of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Final

import msgspec

from tsmon_agent.web.openapi import Body, Operation, returns, returns_json
from tsmon_agent.web.requests.bodies import CSV, JSON
from tsmon_agent.web.requests.parameters import Parameter, flag
from tsmon_agent.web.streams.parameters import FORMAT

__all__ = ["DRY_RUN", "ChangesJson", "InventoryOperations", "InventoryTable"]

DRY_RUN: Final = flag("dry_run", "Only check the table and report what would change.", False)


class ChangesJson(msgspec.Struct, frozen=True):
    """Numbers of rows that were added, that were changed, and that were stored already with the same values."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryTable:
    """What a table and its rows are called, and how they look in JSON."""

    name: str
    """Its address, the key of the list in JSON, and the tag in the OpenAPI document."""
    noun: str
    """``the deployment`` in error messages."""
    one: str
    """``a deployment`` in the OpenAPI document."""
    many: str
    key: Mapping[str, Parameter[Any]]
    """The columns that identify a row, with their path parameters."""
    filters: tuple[Parameter[Any], ...]
    defaults: Mapping[str, Any]
    """Values of a replaced row that the request leaves out."""

    row_type: Any
    """JSON of a stored row."""
    values_type: Any
    """JSON of what a request may set."""
    list_type: Any

    audited_load: str
    """What the audit calls loading a table."""
    audited_add: str
    audited_change: str
    audited_remove: str

    @property
    def path(self) -> str:
        """Address of the table."""
        return f"/{self.name}"

    @property
    def row_path(self) -> str:
        """Address of a row, with placeholders."""
        return "/".join((self.path, *(f"{{{parameter.name}}}" for parameter in self.key.values())))


class InventoryOperations:
    """What the handlers of a table take and return."""

    def __init__(self, table: InventoryTable) -> None:
        key = tuple(table.key.values())
        tag, row = table.name, table.row_type
        values = Body({JSON: table.values_type})
        rows = Body({CSV: None, JSON: GenericAlias(list, (table.values_type,))})
        added = returns_json(row, "It was added.", status=201)
        body_faults = (413, 415, 422, 503)
        self.list = Operation(
            f"{table.many[:1].upper()}{table.many[1:]}",
            tag,
            (returns(200, "In order of their names.", {JSON: table.list_type, CSV: None}),),
            parameters=(*table.filters, FORMAT),
            faults=(503,),
        )
        self.add = Operation(f"Add {table.one}", tag, (added,), body=values, faults=(409, *body_faults))
        self.load = Operation(
            f"Load a table of {table.many}: new rows are added, others changed, none removed",
            tag,
            (returns_json(ChangesJson),),
            parameters=(DRY_RUN,),
            body=rows,
            faults=body_faults,
        )
        self.get = Operation(f"Read {table.one}", tag, (returns_json(row),), parameters=key, faults=(404, 503))
        self.replace = Operation(
            f"Add or replace {table.one}",
            tag,
            (returns_json(row, "It was replaced."), added),
            parameters=key,
            body=values,
            faults=body_faults,
        )
        self.change = Operation(
            f"Change {table.one}",
            tag,
            (returns_json(row),),
            parameters=key,
            body=values,
            faults=(404, *body_faults),
        )
        self.remove = Operation(
            f"Remove {table.one}; its points stay",
            tag,
            (returns(204, "It was removed."),),
            parameters=key,
            faults=(404, 503),
        )
