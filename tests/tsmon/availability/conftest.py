"""Every store, for the tests that all of them must pass."""

from tests.services.every_store import store

__all__ = ["store"]
