"""Nothing here is a test: pytest would import every module for its doctests, and not every engine is installed."""

collect_ignore_glob = ["*.py"]
