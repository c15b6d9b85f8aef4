"""Streams on pages and for programs: availability, status, expected streams and deployments."""
