#!/usr/bin/python
"""Turn the maintenance mode of sites on or off."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: site_maintenance
short_description: Turn the maintenance mode of sites on or off
description:
  - A site is in maintenance mode while the file C(<name>.on) exists, which nginx looks for at each request.
  - Beside it is C(<name>.html), a copy of the application's own page. It is copied since a deploy may replace the
    original at any time, and since nginx can't look into the source of an application.
  - An own page that is missing is warned of, and nginx shows a plain one instead.
author: The Roost authors
options:
  folder:
    description: Where these files are.
    type: path
    required: true
  state:
    description: What to do.
    type: str
    choices: ["on", "off"]
    required: true
  sites:
    description: The sites; of their keys C(name) and C(maintenance_page), which may be missing, are looked at.
    type: list
    elements: dict
    required: true
attributes:
  check_mode: {support: full, description: Tells exactly what would change and writes nothing.}
"""

EXAMPLES = r"""
- name: Turn maintenance mode on
  site_maintenance:
    folder: /etc/roost/maintenance
    state: "on"
    sites:
      - {name: atlas, maintenance_page: /srv/atlas/current/src/maintenance.html}
"""

RETURN = r"""
sites:
  description: Names of the sites that changed.
  type: list
  returned: always
"""


class Maintenance:
    """The files of one site. With `check` nothing is written."""

    def __init__(self, folder: Path, name: str, *, check: bool) -> None:
        self.flag = folder / f"{name}.on"
        self.page = folder / f"{name}.html"
        self.check = check

    def turn_on(self, page: bytes | None) -> bool:
        """Show this page, or the plain one, from now on; tell whether that is new."""
        changed = write(self.page, page, check=self.check)
        return write(self.flag, b"", check=self.check) or changed

    def turn_off(self) -> bool:
        """Let requests through again; tell whether that is new."""
        changed = write(self.flag, None, check=self.check)
        return write(self.page, None, check=self.check) or changed


def write(path: Path, content: bytes | None, *, check: bool) -> bool:
    """Give the file this content in one step, or remove it if there is none; tell whether it was different."""
    if (path.read_bytes() if path.is_file() else None) == content:
        return False
    if check:
        return True
    if content is None:
        path.unlink()
        return True
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.chmod(0o644)
    fresh.replace(path)
    return True


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        {
            "folder": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["on", "off"], "required": True},
            "sites": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    # The web server, another user, looks into what is made here.
    os.umask(0o022)
    changed = []
    for site in module.params["sites"]:
        maintenance = Maintenance(Path(module.params["folder"]), site["name"], check=module.check_mode)
        own = site.get("maintenance_page")
        page = Path(own).read_bytes() if own and Path(own).is_file() else None
        if own and page is None and module.params["state"] == "on":
            module.warn(f"{site['name']}: there is no {own}; a plain page is shown instead")
        if maintenance.turn_on(page) if module.params["state"] == "on" else maintenance.turn_off():
            changed.append(site["name"])
    module.exit_json(changed=bool(changed), sites=changed)


if __name__ == "__main__":
    main()
