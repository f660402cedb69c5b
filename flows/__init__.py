"""Compose the stages into Prefect flows and the command line; only this package knows their order."""
