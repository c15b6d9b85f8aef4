"""The spool: lines on disk that wait for their store."""

from tsmon.spool.destination import Destination
from tsmon.spool.spool import Spool, SpooledBatch

__all__ = ["Destination", "Spool", "SpooledBatch"]
