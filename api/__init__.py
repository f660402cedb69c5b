"""Serve: the six resources of the Customers API, read from the serving database."""
