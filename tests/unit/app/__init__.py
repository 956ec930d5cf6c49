"""The pure parts of building and switching releases."""
