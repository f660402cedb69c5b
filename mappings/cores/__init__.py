"""One folder per core: what a bank adds, and nothing else names a bank."""
