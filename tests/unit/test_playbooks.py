"""What holds for every playbook: it checks the declaration first, and takes its values from the wiring alone."""

from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
OPERATIONS = sorted(path for path in (REPOSITORY / "playbooks").glob("*.yml") if path.name != "preflight.yml")
PLAYBOOKS = [REPOSITORY / "site.yml", *OPERATIONS]

pytestmark = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)


def plays(playbook: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(playbook.read_text())
    return loaded


def test_the_declaration_is_checked_before_anything_else(playbook: Path) -> None:
    first = plays(playbook)[0]
    assert (playbook.parent / first["import_playbook"]).resolve() == REPOSITORY / "playbooks" / "preflight.yml"


def test_every_play_loads_the_wiring(playbook: Path) -> None:
    for play in plays(playbook)[1:]:
        (wiring,) = play["vars_files"]
        assert (playbook.parent / wiring).resolve() == REPOSITORY / "playbooks" / "vars" / "wiring.yml", play["name"]


def test_nothing_but_the_wiring_reads_the_stack(playbook: Path) -> None:
    assert "stack." not in playbook.read_text().replace("stack.yml", "")
