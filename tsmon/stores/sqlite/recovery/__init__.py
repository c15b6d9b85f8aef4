"""Recovery of what can be read of a damaged file of the embedded store."""

from tsmon.stores.sqlite.recovery.pending import PendingRecoveries, marker_of
from tsmon.stores.sqlite.recovery.recovery import Recovery

__all__ = ["PendingRecoveries", "Recovery", "marker_of"]
