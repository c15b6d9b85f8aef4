"""All pages and all parts of the HTTP interface; the navigation has the pages in this order."""

from typing import Final

from tsmon_agent.web.accounts.audit_page import AuditPage
from tsmon_agent.web.accounts.sign_in_page import SignInPage
from tsmon_agent.web.agent.document_api import DocumentApi
from tsmon_agent.web.agent.health_api import HealthApi
from tsmon_agent.web.agent.pipeline_page import PipelinePage
from tsmon_agent.web.handlers import Handlers
from tsmon_agent.web.host.page import HostPage
from tsmon_agent.web.streams.availability_api import AvailabilityApi
from tsmon_agent.web.streams.deployments_api import DeploymentsApi
from tsmon_agent.web.streams.expected_streams_api import ExpectedStreamsApi
from tsmon_agent.web.streams.instrument_page import InstrumentPage
from tsmon_agent.web.streams.instruments_page import InstrumentsPage
from tsmon_agent.web.streams.stream_status_api import StreamStatusApi

__all__ = ["HANDLERS"]

HANDLERS: Final[tuple[type[Handlers], ...]] = (
    HostPage,
    InstrumentsPage,
    InstrumentPage,
    PipelinePage,
    AuditPage,
    SignInPage,
    AvailabilityApi,
    ExpectedStreamsApi,
    DeploymentsApi,
    StreamStatusApi,
    HealthApi,
    DocumentApi,
)
