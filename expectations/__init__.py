"""Check: Great Expectations suites compiled from dictionary and rules; findings and quarantine."""
