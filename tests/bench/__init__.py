"""The benchmark: our run, four rivals and the database's own limit, on one invented export and one machine."""
