"""Typed time-series metrics for InfluxDB 2.x."""

from tsmon.points import *
