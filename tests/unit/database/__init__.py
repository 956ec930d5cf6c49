"""Databases as their host sees them: the report, and how they go."""
