"""Benchmarks of tsmon and of the libraries that people use for the same purpose, all in the same run.

``python -m benchmarks`` runs all benchmarks, ``python -m benchmarks.emit`` one of them. With ``--json`` each prints
one JSON object. Each candidate runs in its own process. Candidates alternate, round by round, so that load on the
machine affects all of them. Figures are those of the best round.
"""
