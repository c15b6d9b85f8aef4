"""Periodic work on an event loop."""
