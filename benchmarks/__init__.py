"""Measurements of tsmon beside the libraries that people use for the same; all of them in the same run.

``python -m benchmarks`` runs all, ``python -m benchmarks.emit`` and ``python -m benchmarks.write`` one; with
``--json`` each prints one object for machines. Every candidate has a process of its own, and the candidates take
turns, round by round, so that a busy moment of the machine hits all of them; a figure is that of the best round.
"""
