"""The agent itself: its pipeline, its health, and the description of its HTTP interface."""
