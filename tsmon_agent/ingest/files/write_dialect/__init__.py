"""The annotated CSV that ``influx write`` takes: columns with a place in line protocol, a type and a default."""

from tsmon_agent.ingest.files.write_dialect.annotations import OF_COLUMNS, Annotations, match_annotation
from tsmon_agent.ingest.files.write_dialect.columns import has_typed_name
from tsmon_agent.ingest.files.write_dialect.tables import TableOptions, WriteTable

__all__ = ["OF_COLUMNS", "Annotations", "TableOptions", "WriteTable", "has_typed_name", "match_annotation"]
