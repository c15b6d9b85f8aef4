"""WebSockets that carry changes to the open pages."""
