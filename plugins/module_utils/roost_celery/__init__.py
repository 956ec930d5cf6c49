"""Celery's programs under supervisor: two slots for each pool of workers, one program for beat."""
