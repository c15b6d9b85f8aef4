"""The dashboards for Grafana, generated from the point classes.

``python -m tsmon_agent.dashboards`` writes them to ``grafana/dashboards``; it needs ``tsmon[dashboards]``. Queries
take the names of measurements, tags and fields from the declarations of the classes, so a renamed one cannot be
forgotten here.
"""
