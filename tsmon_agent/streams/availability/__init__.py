"""Availability of an instrument's streams, computed from the store and the state."""
