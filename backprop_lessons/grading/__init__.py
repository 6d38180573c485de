"""Bulk grading: submissions are run in a sandbox and judged by the catalogue (`grade.py` is the way in)."""
