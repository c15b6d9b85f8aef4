"""Streams on pages and for programs: availability, what is expected, what is there."""

from tsmon_agent.web.streams.available import Available
from tsmon_agent.web.streams.instrument_page import InstrumentPage
from tsmon_agent.web.streams.instruments_page import InstrumentsPage

__all__ = ["Available", "InstrumentPage", "InstrumentsPage"]
