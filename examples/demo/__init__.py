"""An ocean observatory of eight instruments with five years of data, some of them live, on the agent's pages.

    python -m examples.demo

``instruments`` declares the instruments and their faults, ``history`` generates past points, ``live`` emits new
ones, ``filling`` writes the history to a directory, once, and ``__main__`` runs the demo.
"""
