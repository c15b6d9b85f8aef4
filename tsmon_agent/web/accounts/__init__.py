"""Pages for signing in and out, and the audit."""
