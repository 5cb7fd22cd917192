"""The report: one page in one file."""
