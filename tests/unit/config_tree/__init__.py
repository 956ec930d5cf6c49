"""Makes the host's half of config_tree importable under the name that it has on a host."""

import ansible.module_utils

from tests.support.project import REPOSITORY

ansible.module_utils.__path__.append(str(REPOSITORY / "plugins" / "module_utils"))
