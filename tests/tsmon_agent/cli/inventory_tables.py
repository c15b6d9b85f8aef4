"""Tables of streams and deployments that tests load."""

__all__ = ["DEPLOYMENTS", "STREAMS"]

STREAMS = """\
reference designator,method,stream,expected rate (Hz),warn interval,fail interval,selector,rules
GP03-CTD,streamed,ctd,1,10m,1h,,
GP03-CTD,telemetered,ctd,0.01,,,"ctd,a=b t",gap_fraction=0.5
GP03-PAR,streamed,par,,,,,
"""
DEPLOYMENTS = "GP03-CTD,1,2024-01-01,2024-02-01\nGP03-CTD,2,2024-02-01,\n"
