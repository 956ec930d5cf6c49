"""Load Jinja's filters and tests before Ansible forks its workers."""

from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

from roost import derive

WIRING = "vars/wiring.yml"

DOCUMENTATION = r"""
name: preload
type: aggregate
short_description: Load Jinja's filters and tests once, in the controlling process
description:
  - Ansible forks a worker for each task, and each that evaluates a template loads all filters and tests anew.
    Loaded before the first fork, they are there in every worker. A second run of C(site.yml) takes a tenth less time.
  - Roost's own filters take as long as all others together, and are loaded for plays that use them.
author: The Roost authors
requirements: [listed in C(callbacks_enabled)]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible ships no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "preload"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, _playbook: object) -> None:
        for loader in (filter_loader, test_loader):
            for _ in loader.all():
                pass

    def v2_playbook_on_play_start(self, play: Play) -> None:
        if any(str(file).endswith(WIRING) for file in play.get_vars_files()):
            derive.load()
