"""PUBLISH: the serving database, and the only place that opens one."""
