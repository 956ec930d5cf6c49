"""Each file of bad_stacks is refused with exactly the problems that its first lines expect.

# expect: KEY: a part of the message    one line for each problem; without a key if the whole file is meant
# groups: web app                       the groups of the one host; all if not given
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from roost.environment import load_environment
from roost.errors import InvalidDeclaration
from roost.topology import Topology
from tests.unit.environments import ALL_PARTS, one_host, write_environment

CASES = sorted((Path(__file__).parent / "bad_stacks").glob("*.yml"))
TOPOLOGIES: dict[str, Topology] = {}


@pytest.fixture(autouse=True)
def _read_each_inventory_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible takes most of the time of a case, and a few inventories serve them all."""
    read = Topology.from_path

    def remembered(hosts: Path, host_vars: Mapping[str, Mapping[str, Any]]) -> Topology:
        text = hosts.read_text()
        if text not in TOPOLOGIES:
            TOPOLOGIES[text] = read(hosts, host_vars)
        return TOPOLOGIES[text]

    monkeypatch.setattr(Topology, "from_path", remembered)


def header(text: str, word: str) -> list[str]:
    return re.findall(rf"^# {word}: (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_refused_with_the_key_and_the_reason(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    expected = header(text, "expect")
    parts = " ".join(header(text, "groups")).split() or ALL_PARTS
    folder = write_environment(tmp_path, stack=text, hosts=one_host(parts))

    with pytest.raises(InvalidDeclaration) as refused:
        load_environment(folder)

    problems = refused.value.problems
    assert len(problems) == len(expected), refused.value
    for line in expected:
        key, _, part = line.partition(": ") if not line.startswith("The file") else ("", "", line)
        assert any(problem.key == key and part in problem.message for problem in problems), refused.value


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
