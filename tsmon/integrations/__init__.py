"""Integrations with frameworks, one per file; none raises into the program that it monitors."""

__all__: list[str] = []
