#!/usr/bin/python
"""Write a tree of rendered files on a host, all of them or none."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.run import Settings, run
from ansible.module_utils.config_tree.state import DEFAULT_ROOT, State
from ansible.module_utils.config_tree.tree import decode_payload
from ansible.module_utils.config_tree.units import Unit, keep_running

DOCUMENTATION = r"""
module: config_tree
short_description: Write a role's configuration files as a whole
description:
  - Renders a folder of templates that mirrors the target, on the controller, and sends it to the host in one
    module run. There it is compared, staged, put in place, checked by I(validate), and put back if the check fails.
  - Records what it owns, and removes a file that is no longer declared. A file that was there before it was first
    declared comes back then.
  - Marks on the host what must still be reloaded before it changes anything. M(config_tree_settle) removes the marks.
    A run that finds marks reports a change, so that the handlers run again.
  - A run that was killed, at any point, is undone by the next one before it starts.
  - Keeps the role's systemd units running, in the same module run.
author: The Roost authors
options:
  name:
    description: Identity of the tree on the host. Its state is kept in a directory of this name.
    type: str
    required: true
  src:
    description:
      - Folder of the templates, relative to the role (or to the playbook outside of a role).
      - Files named C(*.j2) are rendered; all others are copied as they are. Names that begin with C(_) are
        left out, so that templates can include and import them.
      - The default is the folder C(templates), which may be missing.
    type: str
  dest:
    description: Root of the mirrored tree on the host.
    type: str
    default: /
  validate:
    description:
      - Command that is run after the files are in place if any changed. No shell is used.
      - When it fails, everything is put back and the task fails with its output.
    type: raw
  validate_timeout:
    description: Seconds that I(validate) may take.
    type: int
    default: 60
  directories:
    description: Directories that are made if they are missing. Owner, group and mode are enforced.
    type: list
    elements: dict
    suboptions:
      path: {description: Path below I(dest)., type: str, required: true}
      owner: {description: Owning user., type: str, default: root}
      group: {description: Owning group., type: str, default: root}
      mode: {description: Octal mode in quotes., type: str, default: "0755"}
      notify: {description: "Topic of a change; empty for none.", type: str, default: reload}
  links:
    description: Symlinks that the tree owns.
    type: list
    elements: dict
    suboptions:
      path: {description: Path below I(dest)., type: str, required: true}
      target: {description: What the symlink holds., type: str, required: true}
      notify: {description: "Topic of a change; empty for none.", type: str, default: reload}
  copies:
    description:
      - Files and whole folders of the controller that are copied as they are, besides the templates.
      - Entries of I(files) match the paths of the copies, too.
    type: list
    elements: dict
    suboptions:
      src: {description: Absolute path on the controller., type: str, required: true}
      path: {description: Path of the copy below I(dest)., type: str, required: true}
  absent:
    description: Files and symlinks below I(dest) that must not exist. They come back when no longer listed.
    type: list
    elements: str
  files:
    description:
      - Settings of files. The first entry that matches a file's path counts.
      - An entry that matches no file is an error.
    type: list
    elements: dict
    suboptions:
      path:
        description: Path relative to I(dest), without C(.j2), or a shell pattern for such paths.
        type: str
        required: true
      each:
        description:
          - Make one file for each of these mappings. C(@key@) in the path is replaced by the value of that key.
          - Templates see the mapping as C(item).
        type: list
        elements: dict
      owner: {description: "Owning user; C(@key@) takes it from the item.", type: str, default: root}
      group: {description: "Owning group; C(@key@) takes it from the item.", type: str, default: root}
      mode:
        description:
          - Octal mode in quotes.
          - The default is C("0644"), or C("0640") for a secret, or C("0755") for a program that is copied as it is.
        type: str
      secret: {description: Never show the content., type: bool, default: false}
      notify: {description: "Topic of a change; empty for none.", type: str, default: reload}
      enabled: {description: "Whether the file is declared at all.", type: bool, default: true}
  units:
    description:
      - Systemd units that must run. They are started, if they aren't running, once the files are in place.
      - What a running unit must take up is told by I(notify), not here.
    type: list
    elements: dict
    suboptions:
      name: {description: "Name of the unit with its suffix, such as C(nginx.service).", type: str, required: true}
      enabled: {description: "Whether it must start at boot; C(false) leaves that as it is.", type: bool, default: true}
  confirm_within:
    description:
      - After a change, put the old files back and run I(revert_command), unless M(config_tree_settle) comes first.
      - In seconds; 0 for never.
    type: int
    default: 0
  revert_command:
    description: Command that makes the old files effective again. Required with I(confirm_within).
    type: raw
  state_directory:
    description: Where the state of all trees is kept on the host. Only root can enter.
    type: str
    default: /var/lib/roost/config_tree
  payload:
    description: The rendered tree. Filled in by the action plugin.
    type: str
attributes:
  check_mode: {support: full, description: Tells exactly what would change and writes nothing.}
  diff_mode: {support: full, description: Shows all differences but those of secret files.}
seealso:
  - module: config_tree_settle
"""

EXAMPLES = r"""
- name: Configure nginx
  config_tree:
    name: nginx
    validate: nginx -t
    files:
      - path: etc/nginx/sites-enabled/@name@.conf
        each: "{{ nginx_sites }}"
    units:
      - {name: nginx.service}
  register: __nginx_tree
  notify: [Reload nginx, Settle nginx]

- name: Configure the firewall, and take it back unless the controller can still connect
  config_tree:
    name: firewall
    validate: nft -c -f /etc/nftables.conf
    confirm_within: 60
    revert_command: systemctl reload nftables
  register: __firewall_tree
  notify: Reload the firewall
"""

RETURN = r"""
changed_paths:
  description: Paths that were made or changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/nginx/nginx.conf]
removed_paths:
  description: Paths that were removed.
  returned: success
  type: list
  elements: str
  sample: []
pending:
  description: Topics that still must be applied, those that an earlier run left behind among them.
  returned: success
  type: list
  elements: str
  sample: [reload]
unit_actions:
  description: What it took to keep I(units) running.
  returned: success
  type: list
  elements: str
  sample: [enable nginx.service, start nginx.service]
output:
  description: The last lines of what I(validate), or a unit that does not start, printed.
  returned: when it failed
  type: list
  elements: str
  sample: ['nginx: [emerg] unknown directive "lissten" in /etc/nginx/nginx.conf:3']
"""

# What the action plugin sends; it has consumed the other options.
ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "dest": {"type": "str", "required": True},
    "payload": {"type": "str", "required": True, "no_log": True},
    "validate": {"type": "list", "elements": "str", "required": True},
    "validate_timeout": {"type": "int", "required": True},
    "confirm_within": {"type": "int", "required": True},
    "revert_command": {"type": "list", "elements": "str", "required": True},
    "units": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "enabled": {"type": "bool", "required": True}},
    },
    "state_directory": {"type": "str", "default": DEFAULT_ROOT},
}


def run_module() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    params = module.params
    settings = Settings(
        check_mode=module.check_mode,
        show_differences=module._diff,
        validate=params["validate"],
        validate_timeout=params["validate_timeout"],
        confirm_within=params["confirm_within"],
        revert_command=params["revert_command"],
    )
    try:
        tree = decode_payload(params["payload"], params["dest"], module.check_mode)
        result = run(tree, State(params["state_directory"], params["name"]), settings)
        units = [Unit(unit["name"], unit["enabled"]) for unit in params["units"]]
        result["unit_actions"] = keep_running(units, module.check_mode)
        result["changed"] = result["changed"] or bool(result["unit_actions"])
    except TreeError as error:
        output = error.output.splitlines()
        module.fail_json(msg="\n".join([str(error), *output]), output=output)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or params['name']}: {error.strerror}")
    else:
        module.exit_json(**result)


if __name__ == "__main__":
    run_module()
