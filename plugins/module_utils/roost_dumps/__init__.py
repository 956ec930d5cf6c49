"""Nightly dumps of databases on servers elsewhere, which nothing else of Roost saves."""
