"""What is remembered between two runs that ask for certificates."""

import json
from pathlib import Path

from ansible.module_utils.acme import Failure, Request
from ansible.module_utils.acme_state import State

REQUEST = Request("atlas", ("atlas.test",), "https://ca.test/dir", "rsa", "dns-rfc2136")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "tls" / "state.json"
    state = State(asked=["atlas"], emails={REQUEST.server: "ops@atlas.test"})
    state.failed(Failure(REQUEST, 100.0, "no such host."))
    state.save(file)
    assert State.load(file) == state


def test_there_is_a_state_before_the_first_run(tmp_path: Path) -> None:
    assert State.load(tmp_path / "state.json") == State()


def test_the_state_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    request = {"name": "atlas", "domains": ["atlas.test"], "server": REQUEST.server}
    failures = {"atlas": {"request": request, "at": 1.0, "reason": "x"}}
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"asked": ["atlas"], "failures": failures, "reload_pending": False}))
    state = State.load(file)
    assert state.failures["atlas"].request == Request("atlas", ("atlas.test",), REQUEST.server)
    assert state.failed_at == {}


def test_failures_count_for_an_hour_and_until_a_success() -> None:
    state = State()
    for at in (0.0, 1800.0, 3600.0):
        state.failed(Failure(REQUEST, at, "x"))
    assert state.failed_at == {"atlas": [1800.0, 3600.0]}
    state.succeeded("atlas")
    assert (state.failures, state.failed_at) == ({}, {})
