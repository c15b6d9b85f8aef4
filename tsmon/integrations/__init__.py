"""Integrations with frameworks, one a file; none raises into the program that it watches."""

__all__: list[str] = []
