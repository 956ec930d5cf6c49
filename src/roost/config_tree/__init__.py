"""The controller's half of config_tree: what a task declares, and which template becomes which file."""
