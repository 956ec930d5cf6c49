"""The vault of an environment, opened by the password that the project has for it."""

import contextlib

from roost.environment import Environment
from roost.paths import bundle_root, project_root
from roost.secrets import Vault, open_vault


def vault_of(loaded: Environment) -> Vault:
    """Open it. Raises VaultError if there is no password."""
    # The password's file lies in the project's folder.
    with contextlib.chdir(project_root(loaded.inventory)):
        return open_vault(bundle_root() / "plugins/vault-password")
