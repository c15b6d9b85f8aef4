"""WebSockets that carry what changes to open pages."""
