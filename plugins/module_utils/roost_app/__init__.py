"""How an application's releases and slots are kept on its host. Runs on the host's own Python (>= 3.10)."""
