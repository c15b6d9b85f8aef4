"""Threads of the operating system, and waiting for them, also in programs whose threads are greenlets."""
