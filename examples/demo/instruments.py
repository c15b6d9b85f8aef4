"""The instruments, their rates, and their faults."""

from dataclasses import dataclass
from typing import Final

__all__ = ["INSTRUMENTS", "Instrument", "Site", "Stream"]

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True)
class Site:
    """A mooring or a node of the cable; all its instruments are serviced together."""

    name: str
    deployed: float
    """Days since the start of the current deployment."""
    length: float | None = None
    """Approximate days of each earlier deployment; None: there were none."""
    pause: tuple[float, float] = (0, 0)
    """Least and most days between two deployments."""


@dataclass(frozen=True)
class Stream:
    """Data of an instrument by one method. ``recovered…`` streams arrive only after a deployment has ended."""

    method: str
    name: str
    period: int
    """Seconds between two points of the history."""
    warn: str = ""
    fail: str = ""
    live: int | None = None
    """Seconds between two points while the demo runs, and in the days before; None: no new points."""
    behind: int = 0
    """Age of its newest point, in seconds."""
    falters: bool = False
    """Whether it is silent for more than a minute every few minutes."""
    enabled: bool = True
    outages: int = 4
    sparse_periods: int = 2
    """The most outages and sparse periods in a deployment."""


@dataclass(frozen=True)
class Instrument:
    """An instrument; its values vary around a mean with the year and the tide."""

    designator: str
    site: Site
    mean: float
    swing: float
    streams: tuple[Stream, ...]

    @property
    def host(self) -> str:
        """The computer on the mooring; if all its streams are silent, it is a silent host."""
        return f"{self.site.name.lower()}-dcl"


INSHORE: Final = Site("CE01ISSM", deployed=81, length=183, pause=(2, 16))
OFFSHORE: Final = Site("CE04OSPS", deployed=214, length=352, pause=(3, 21))
PAPA: Final = Site("GP03FLMA", deployed=147, length=345, pause=(5, 40))
AXIAL: Final = Site("RS03AXBS", deployed=122, length=358, pause=(1, 9))
VENTS: Final = Site("RS03INT1", deployed=12)

INSTRUMENTS: Final = (
    Instrument(
        "CE01ISSM-MFD37-03-CTDBPC000",
        INSHORE,
        mean=9.5,
        swing=1.8,
        streams=(
            Stream("telemetered", "ctdbp_cdef_dcl_instrument", 15 * MINUTE, "2h", "1d", live=MINUTE),
            Stream(
                "recovered_host", "ctdbp_cdef_dcl_instrument_recovered", 15 * MINUTE, outages=2, sparse_periods=1
            ),
            Stream("recovered_inst", "ctdbp_cdef_instrument_recovered", 10 * MINUTE, outages=1, sparse_periods=1),
        ),
    ),
    Instrument(
        "CE01ISSM-SBD17-06-FLORTD000",
        INSHORE,
        mean=3.1,
        swing=2.2,
        streams=(
            # Its modem is slow: data arrive three hours late, so it is degraded.
            Stream("telemetered", "flort_sample", 30 * MINUTE, "2h", "1d", live=MINUTE, behind=3 * HOUR),
            Stream("recovered_host", "flort_sample", 30 * MINUTE, "2h", "1d", behind=400 * DAY, enabled=False),
        ),
    ),
    Instrument(
        "CE01ISSM-MFC31-00-CPMENG000",
        INSHORE,
        mean=24.2,
        swing=0.9,
        # Not tracked: it has no limits.
        streams=(Stream("telemetered", "cg_cpm_eng_cpm", HOUR, live=5 * MINUTE, sparse_periods=3),),
    ),
    Instrument(
        "CE04OSPS-SF01B-2A-CTDPFA107",
        OFFSHORE,
        mean=7.9,
        swing=0.7,
        streams=(
            Stream("streamed", "ctdpf_sbe43_sample", 15 * MINUTE, "10m", "2h", live=MINUTE, outages=5),
            # Flooded, nineteen days ago.
            Stream("streamed", "do_stable_sample", 20 * MINUTE, "10m", "2h", behind=19 * DAY, sparse_periods=3),
        ),
    ),
    Instrument(
        "GP03FLMA-RIM01-02-CTDMOG040",
        PAPA,
        mean=6.4,
        swing=1.1,
        streams=(
            # The mooring's computer fell silent eleven days ago, and with it both instruments.
            Stream("telemetered", "ctdmo_ghqr_sio_mule_instrument", 30 * MINUTE, "6h", "2d", behind=11 * DAY),
            Stream("recovered_inst", "ctdmo_ghqr_instrument_recovered", 15 * MINUTE, outages=1, sparse_periods=1),
        ),
    ),
    Instrument(
        "GP03FLMA-RIS01-04-PHSENF000",
        PAPA,
        mean=8.0,
        swing=0.1,
        streams=(
            Stream("telemetered", "phsen_abcdef_sio_mule_instrument", 2 * HOUR, "8h", "2d", behind=11 * DAY),
            Stream("recovered_inst", "phsen_abcdef_instrument", 2 * HOUR, outages=2, sparse_periods=0),
        ),
    ),
    Instrument(
        "RS03AXBS-LJ03A-12-CTDPFB301",
        AXIAL,
        mean=2.5,
        swing=0.05,
        streams=(
            Stream("streamed", "ctdpf_optode_sample", 10 * MINUTE, "5m", "1h", live=30, sparse_periods=3),
            # The one to watch: it alternates between operational and degraded.
            Stream("streamed", "optode_diagnostics", 15 * MINUTE, "45s", "1h", live=15, falters=True),
        ),
    ),
    Instrument(
        "RS03INT1-MJ03C-10-TRHPHA301",
        VENTS,
        mean=281,
        swing=9,
        # Deployed twelve days ago, and dense enough to view single hours.
        streams=(Stream("streamed", "trhph_sample", 10, "2m", "1h", live=10, outages=9, sparse_periods=4),),
    ),
)
