"""The one error of this package; the action plugin turns it into a failed task."""


class InvalidTree(Exception):  # noqa: N818 - as in roost.errors, the name says what happened
    """A config_tree task declares something that can't be; the message names the option or the path."""
