"""The Python programs that roles bring to hosts, importable: their names are no names of modules."""

import importlib.machinery
import importlib.util
import sys
from types import ModuleType

from tests.support.project import REPOSITORY


def load_program(role: str, name: str) -> ModuleType:
    """Return roles/<role>/templates/usr/local/lib/roost/<name> as a Python module, leaving nothing beside it."""
    path = REPOSITORY / "roles" / role / "templates/usr/local/lib/roost" / name
    module_name = name.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(module_name, str(path))
    spec = importlib.util.spec_from_loader(module_name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up there.
    sys.modules[module_name] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module
