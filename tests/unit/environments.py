"""Small environments for the tests, written to a temporary folder."""

from collections.abc import Iterable
from pathlib import Path

ALL_PARTS = ("web", "app", "worker", "database", "cache")

GOOD_STACK = """\
stack:
  apps:
    - name: atlas
      framework: django
      domains: [atlas.test]
      source: {git: https://git.example.com/atlas.git, version: v1}
      wsgi: atlas.wsgi
      celery: {app: atlas}
"""


def one_host(parts: Iterable[str] = ALL_PARTS) -> str:
    """Return a hosts.yml with one host in the given groups."""
    groups = "".join(f"    {part}: {{hosts: {{vm1: }}}}\n" for part in parts)
    return f"all:\n  hosts: {{vm1: {{ansible_host: 192.0.2.1}}}}\n  children:\n{groups}"


def write_environment(folder: Path, *, stack: str = GOOD_STACK, hosts: str | None = None) -> Path:
    """Write an environment below `folder` and return its own folder."""
    environment = folder / "inventories" / "prod"
    (environment / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
    (environment / "hosts.yml").write_text(one_host() if hosts is None else hosts)
    (environment / "group_vars" / "all" / "stack.yml").write_text(stack)
    return environment
