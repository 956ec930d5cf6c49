import pytest

from roost.changes import Change, Kind, changes_of, diffs_of
from tests.unit.runner import result

FILE, PACKAGE, SERVICE, OTHER = Kind.FILE, Kind.PACKAGE, Kind.SERVICE, Kind.OTHER


def test_config_tree_names_written_and_removed_files() -> None:
    event = result("config_tree", {"changed": True, "changed_paths": ["/etc/a"], "removed_paths": ["/etc/b"]})
    assert changes_of(event) == [Change(FILE, "/etc/a", "write"), Change(FILE, "/etc/b", "remove")]


def test_config_tree_names_units() -> None:
    event = result("config_tree", {"changed": True, "unit_actions": ["enable a.timer", "start a.timer"]})
    assert changes_of(event) == [Change(SERVICE, "a.timer", "enable"), Change(SERVICE, "a.timer", "start")]


def test_a_tree_that_only_has_an_old_mark_is_named_after_its_task() -> None:
    event = result("config_tree", {"changed": True, "changed_paths": [], "pending": ["reload"]})
    assert changes_of(event) == [Change(OTHER, "role: A task")]


def test_an_application_that_is_no_longer_declared_counts_as_a_service_that_stops() -> None:
    event = result("release_slot", {"changed": True, "stopped": ["atlas"], "apps": [{"switched": False}]})
    assert changes_of(event) == [Change(SERVICE, "atlas", "stop")]


def test_an_application_is_restarted_or_switched_to_another_release() -> None:
    apps = [
        {"name": "atlas", "switched": True, "release": "one", "previous": "one"},
        {"name": "pulse", "switched": True, "release": "two", "previous": "one"},
        {"name": "memo", "switched": False, "release": "one", "previous": "one"},
    ]
    event = result("release_slot", {"changed": True, "apps": apps})
    assert changes_of(event) == [Change(SERVICE, "atlas", "restart"), Change(SERVICE, "pulse", "switch")]


@pytest.mark.parametrize(
    "printed",
    [
        "Inst libjq1 (1.6 Debian [amd64])\nInst jq (1.6)\nConf jq (1.6)",
        "Setting up libjq1:amd64 (1.6) ...\nSetting up jq (1.6) ...",
    ],
    ids=["check mode", "real run"],
)
def test_apt_names_packages(printed: str) -> None:
    event = result("ansible.builtin.apt", {"changed": True, "stdout": printed})
    assert changes_of(event) == [Change(PACKAGE, "libjq1", "install"), Change(PACKAGE, "jq", "install")]


@pytest.mark.parametrize(
    ("task", "state", "verb"),
    [("Reload nginx", "started", "reload"), ("Restart nginx", "started", "restart"), ("Run nginx", "started", "start")],
)
def test_services_say_what_is_done_to_them(task: str, state: str, verb: str) -> None:
    event = result("ansible.builtin.systemd_service", {"changed": True, "name": "nginx", "state": state}, name=task)
    assert changes_of(event) == [Change(SERVICE, "nginx", verb)]


def test_each_changed_item_of_a_loop_counts_and_no_other() -> None:
    items = [{"changed": True, "path": "/a"}, {"changed": False, "path": "/b"}, {"changed": True, "path": "/a"}]
    event = result("ansible.builtin.file", {"changed": True, "results": items})
    assert changes_of(event) == [Change(FILE, "/a", "write")]


def test_a_copy_in_check_mode_has_its_path_in_the_diff_only() -> None:
    event = result(
        "ansible.builtin.copy", {"changed": True, "diff": [{"before": "", "after": "x", "after_header": "/a"}]}
    )
    assert changes_of(event) == [Change(FILE, "/a", "write")]


def test_anything_else_is_named_after_its_task() -> None:
    assert changes_of(result("postgresql_objects", {"changed": True})) == [Change(OTHER, "role: A task")]
    assert changes_of(result("ansible.builtin.copy", {"censored": "hidden"})) == [Change(OTHER, "role: A task")]


def test_diffs_are_unified() -> None:
    part = {"before": "a\nb\n", "after": "a\nc\n", "before_header": "/x", "after_header": "/x"}
    (text,) = diffs_of(result("config_tree", {"changed": True, "diff": [part, {}]}))
    assert text.splitlines() == ["--- /x", "+++ /x", "@@ -1,2 +1,2 @@", " a", "-b", "+c"]


def test_prepared_diffs_are_kept() -> None:
    assert diffs_of(result("apt", {"changed": True, "diff": {"prepared": "4 newly installed\n"}})) == [
        "4 newly installed"
    ]


def test_a_hidden_result_has_no_diff() -> None:
    assert diffs_of(result("copy", {"censored": "hidden"})) == []
