"""The spool: what cannot be sent now is kept on disk."""

from tsmon.spool.spool import Destination, Spool, SpooledBatch

__all__ = ["Destination", "Spool", "SpooledBatch"]
