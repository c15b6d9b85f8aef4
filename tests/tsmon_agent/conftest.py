"""The command for all tests of the agent, and every database for those of its state."""

from tests.services.every_database import state_url
from tests.tsmon_agent.shell import agent

__all__ = ["agent", "state_url"]
