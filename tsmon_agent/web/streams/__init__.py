"""Streams on pages and for programs: availability, what is expected, what is there."""

from tsmon_agent.web.streams.availability import Available
from tsmon_agent.web.streams.deployed import Deployed
from tsmon_agent.web.streams.expected import Expected
from tsmon_agent.web.streams.instrument_page import InstrumentPage
from tsmon_agent.web.streams.instruments_page import InstrumentsPage
from tsmon_agent.web.streams.status import Status

__all__ = ["Available", "Deployed", "Expected", "InstrumentPage", "InstrumentsPage", "Status"]
