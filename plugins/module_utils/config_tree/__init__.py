"""The host's half of config_tree. It runs on Python 3.10 and later, with the standard library alone."""
