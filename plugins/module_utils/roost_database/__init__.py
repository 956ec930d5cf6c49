"""What is in the databases of this host, and how databases go."""
