"""Drawing of availability: what all charts have in common, a chart for notebooks, and one of matplotlib."""

from tsmon.availability.chart.rows import ChartRow

__all__ = ["ChartRow"]
