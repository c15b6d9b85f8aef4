"""All databases for all tests of the state."""

from tests.services.every_database import state_url

__all__ = ["state_url"]
