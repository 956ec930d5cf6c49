"""Roost: a production home for Python web applications on virtual machines you control."""

__version__ = "0.1.0"
