"""Points that others have measured, on their way into the store."""
