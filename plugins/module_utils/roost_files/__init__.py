"""Backups of files by restic: what applications were given to keep, off this host, and back again."""
