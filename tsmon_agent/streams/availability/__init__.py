"""Availability of an instrument's streams, from the store and the state."""
