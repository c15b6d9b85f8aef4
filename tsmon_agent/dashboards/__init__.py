"""The dashboards for Grafana, made from the point classes.

``python -m tsmon_agent.dashboards`` writes them to ``grafana/dashboards``; it needs ``tsmon[dashboards]``.
Every measurement, tag and field that a query names is looked up in the declaration of its class, so what was
renamed there cannot stay behind here.
"""
