"""An ocean observatory of eight instruments with five years of data, four of them live, on the agent's pages.

    python -m examples.demo

``instruments`` says what there is and what is the matter with it, ``history`` makes the points of the past,
``live`` emits those of the present, ``filling`` brings the past into a directory, once, and ``__main__`` runs
it all.
"""
