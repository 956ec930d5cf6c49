"""The modules of plugins/modules, importable: Ansible ships each to the host as a program of its own."""

import importlib.util
import sys
from types import ModuleType

from tests.support.project import REPOSITORY


def load_module(name: str) -> ModuleType:
    """Return plugins/modules/<name>.py as a Python module."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "plugins" / "modules" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
