"""The tests that need no host.

Modules import their helpers as Ansible offers them on a host, so the folder joins Ansible's package here.
"""

from pathlib import Path

import ansible.module_utils

HELPERS = str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils")
if HELPERS not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(HELPERS)
