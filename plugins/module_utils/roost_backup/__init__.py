"""Backups of PostgreSQL by pgBackRest: what is due, what is kept, whether it can be trusted, and how it comes back."""
