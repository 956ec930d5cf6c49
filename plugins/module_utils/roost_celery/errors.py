"""What can go wrong with Celery's programs."""


class ProgramsError(Exception):
    """The programs can't be brought to run; the message says why."""
