"""Backups: what a stack may say about them, and what the roles are given of it."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.crosschecks import Subject, cross_check
from roost.derive import backups, packages
from roost.errors import InvalidDeclaration
from roost.model import Backups, check_stack, parse_stack, resolved_apps, wanted_backups, wanted_database_backups
from roost.topology import Host, Topology
from tests.support.project import REPOSITORY
from tests.support.rendering import BACKUP_SECRETS, ONE_HOST, role_inputs

DATABASE_ELSEWHERE = "postgresql://u:p@db.example.com/x"
OFFSITE = {"s3": {"endpoint": "s3.example.com", "bucket": "atlas"}}
TOLD = "https://told.example.com/?run=1&of=%2F"
TWO_DATABASE_HOSTS = {
    "all": ["a1", "d1", "d2"],
    "web": ["a1"],
    "app": ["a1"],
    "database": ["d1", "d2"],
    "cache": ["a1"],
}


def stack_of(said: Any = ..., database: Any = True, **more: Any) -> dict[str, Any]:
    """Return a stack that says so much of backups; nothing if it is `...`."""
    app = {
        "name": "atlas",
        "framework": "django",
        "domains": ["atlas.test"],
        "source": {"git": "https://git.example.com/atlas.git", "version": "v1"},
        "wsgi": "atlas.wsgi",
        "database": database,
    }
    return {"apps": [app], **more} | ({} if said is ... else {"backups": said})


def said(value: Any = ...) -> Backups | None:
    return parse_stack(stack_of(value)).backups


def mistakes(stack: dict[str, Any], sources: Path = Path()) -> list[str]:
    host = Host("vm1", "192.0.2.1", "192.0.2.1", frozenset(ONE_HOST))
    topology = Topology((host,), dict.fromkeys(ONE_HOST, ("vm1",)))
    return [mistake.message for mistake in cross_check(Subject(parse_stack(stack), (0,), topology, sources))]


# --- the model ------------------------------------------------------------------------------------------------


def test_there_are_backups_unless_somebody_says_no() -> None:
    assert said() == said(True) == said({}) == Backups()
    assert said(False) is None
    default = Backups()
    assert (default.at, default.full_every_days, default.dumps, default.offsite) == ("02:30", 7, 2, None)
    assert (default.keep.daily, default.keep.weekly, default.keep.monthly) == (7, 4, 12)
    assert (default.drill.day, default.drill.at, default.drill.memory_mb) == ("sunday", "04:30", 512)
    assert (default.heartbeat, default.alert) == (False, False)


@pytest.mark.parametrize(
    ("value", "database", "wanted"),
    [
        (..., True, True),
        (False, True, False),
        (True, False, False),
        ({"offsite": OFFSITE}, {"url": DATABASE_ELSEWHERE}, True),
        (..., {"url": DATABASE_ELSEWHERE, "dumps": 0}, False),
        ({"dumps": 0}, {"url": DATABASE_ELSEWHERE}, False),
        ({"dumps": 0}, {"url": DATABASE_ELSEWHERE, "dumps": 1}, True),
    ],
)
def test_they_are_wanted_where_there_is_something_to_back_up(value: Any, database: Any, wanted: bool) -> None:
    assert bool(wanted_backups(parse_stack(stack_of(value, database)))) == wanted
    assert mistakes(stack_of(value, database)) == []


def test_they_are_wanted_for_uploads_alone() -> None:
    stack = stack_of(database=False)
    stack["apps"][0]["media"] = True
    assert wanted_backups(parse_stack(stack)) == Backups()
    assert wanted_database_backups(parse_stack(stack)) is None


@pytest.mark.parametrize(
    "s3",
    [
        {"endpoint": "s3.eu-central-1.amazonaws.com"},
        {"endpoint": "minio", "region": "RegionOne"},
        {"endpoint": "minio.example.com:9000", "path": "/"},
        {"endpoint": "192.0.2.7:65535", "style": "path", "path": "/roost/prod_1/a.b-c"},
        {"endpoint": "s3.example.com", "bucket": "my.bucket-1", "ca": "certs/s3.pem"},
    ],
)
def test_buckets_of_every_kind(s3: dict[str, Any]) -> None:
    assert said({"offsite": {"s3": OFFSITE["s3"] | s3}}) is not None


@pytest.mark.parametrize(
    "s3",
    [
        {"endpoint": "S3.example.com"},
        {"endpoint": "s3_1.example.com"},
        {"endpoint": "s3.example.com/"},
        {"endpoint": "s3.example.com:"},
        {"endpoint": "s3.example.com:0"},
        {"endpoint": ".".join(["a" * 60] * 5)},
        {"endpoint": "[2001:db8::1]:9000"},
        {"bucket": "ab"},
        {"bucket": "a" * 64},
        {"bucket": "-atlas"},
        {"path": "/roost/"},
        {"path": "/a//b"},
        {"path": "/.hidden"},
        {"path": ""},
        {"region": ""},
        {"style": "url"},
        {"ca": "../s3.pem"},
    ],
)
def test_a_bucket_that_can_not_be(s3: dict[str, Any]) -> None:
    with pytest.raises(InvalidDeclaration):
        said({"offsite": {"s3": OFFSITE["s3"] | s3}})


@pytest.mark.parametrize("time", ["24:00", "2:30", "02:60", "02:30:00", "02.30", " 02:30", "02:30\n", "", "٠٢:٣٠", 150])
def test_times_are_hours_and_minutes(time: Any) -> None:
    for value in ({"at": time}, {"drill": {"at": time}}):
        with pytest.raises(InvalidDeclaration):
            said(value)


@given(st.text(max_size=12), st.sampled_from(sorted(";{}$`'\"\\\n\r\0 \t|&<>()*?#%^![]=,@")), st.text(max_size=12))
@settings(max_examples=80, deadline=None)
def test_nothing_that_means_something_in_a_configuration_file_gets_through(before: str, bad: str, after: str) -> None:
    text = f"{before}{bad}{after}"
    for s3 in (
        {"endpoint": f"s{text}"},
        {"endpoint": f"s3.example.com:{text}"},
        {"bucket": f"atlas{text}"},
        {"bucket": f"{text}atlas"},
        {"region": f"eu{text}"},
        {"path": f"/{text}"},
        {"ca": f"certs/{text}"},
    ):
        with pytest.raises(InvalidDeclaration):
            said({"offsite": {"s3": OFFSITE["s3"] | s3}})
    for value in ({"at": text}, {"drill": {"day": text}}):
        with pytest.raises(InvalidDeclaration):
            said(value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) > 0 FROM auth_user",
        "select (select max(x) from t) >= now() - interval '1 day'",
        "Select(true)",
        "SELECT count(*) = 0 FROM \"Bücher\" WHERE name LIKE '%é%'",
    ],
)
def test_assertions_are_selects(sql: str) -> None:
    (app,) = resolved_apps(parse_stack(stack_of(database={"assertions": [sql]})))
    assert app.database is not None
    assert app.database.assertions == (sql,)


@pytest.mark.parametrize(
    "start", ["", "SELECTED ", "WITH x AS (SELECT 1) ", " SELECT ", "\\! SELECT ", "--SELECT ", "SELECT"]
)
def test_nothing_else_is_an_assertion(start: str) -> None:
    with pytest.raises(InvalidDeclaration):
        parse_stack(stack_of(database={"assertions": [f"{start}1 = 1"]}))


@given(st.text(max_size=20), st.sampled_from(";\\\n\r\0\t\x1b\x85\u2028\u202e\ufeff"), st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_an_assertion_is_one_statement_on_one_line_and_nothing_is_hidden_in_it(
    before: str, bad: str, after: str
) -> None:
    _, found = check_stack(stack_of(database={"assertions": [f"SELECT {before}{bad}{after}"]}))
    assert [mistake.path[-2:] for mistake in found] == [("assertions", 0)]


def test_an_assertion_is_listed_once() -> None:
    with pytest.raises(InvalidDeclaration, match="listed twice"):
        parse_stack(stack_of(database={"assertions": ["SELECT true", "SELECT true"]}))


def test_the_authorities_of_the_bucket_are_a_file_here(tmp_path: Path) -> None:
    stack = stack_of({"offsite": {"s3": OFFSITE["s3"] | {"ca": "certs/s3.pem"}}})
    assert mistakes(stack, tmp_path) == [f"There is no file certs/s3.pem in {tmp_path}."]
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "s3.pem").touch()
    assert mistakes(stack, tmp_path) == []


def test_archiving_of_ones_own_is_for_those_without_backups() -> None:
    own = {
        "postgresql": {"settings": {"archive_mode": True, "archive_command": "my-archive %p", "wal_level": "minimal"}}
    }
    assert len(mistakes(stack_of(**own))) == 3
    assert mistakes(stack_of(False, **own)) == mistakes(stack_of(database=False, **own)) == []
    assert mistakes(stack_of(postgresql={"settings": {"wal_level": "logical", "archive_timeout": 60}})) == []


# --- what the roles are given ---------------------------------------------------------------------------------

OFF: dict[str, Any] = {
    "backup_repositories": [],
    "backup_databases": [],
    "backup_files": [],
    "backup_files_repositories": [],
    "backup_project": "",
    "backup_passphrase": "",
    "backup_s3": {},
    "backup_s3_key": "",
    "backup_s3_secret": "",
    "backup_s3_ca_file": "",
    "backup_sftp": {},
    "backup_sftp_key": "",
    "backup_at": "02:30",
    "backup_full_every_days": 7,
    "backup_keep_daily": 7,
    "backup_keep_weekly": 4,
    "backup_keep_monthly": 12,
    "backup_dumps": 2,
    "backup_heartbeat_url": "",
    "backup_alert_url": "",
    "backup_drill_day": "",
    "backup_drill_at": "04:30",
    "backup_drill_memory_mb": 512,
    "backup_assertions": [],
    "backup_restore_asks_receiver": False,
    "backup_restore_received": "",
    "backup_restore_received_names": [],
}
OWN = {"name": "roost", "paths": ["/etc/roost", "/etc/letsencrypt"]}
EVERYTHING = {
    "at": "23:05",
    "full_every_days": 14,
    "keep": {"daily": 1, "weekly": 2, "monthly": 0},
    "dumps": 0,
    "offsite": {
        "s3": OFFSITE["s3"] | {"endpoint": "minio:9000", "path": "/prod", "style": "path", "ca": "certs/s3.pem"}
    },
    "heartbeat": True,
    "alert": True,
    "drill": {"day": "wednesday", "at": "05:00", "memory_mb": 64},
}


def archiving(stack: dict[str, Any], *where: Any) -> tuple[str, list[dict[str, str]]]:
    given = role_inputs("postgresql_archive_", stack, *where)
    return given["postgresql_archive_command"], given["postgresql_archive_directories"]


def test_a_plain_stack_is_backed_up_on_its_server() -> None:
    assert role_inputs("backup_", stack_of()) == OFF | {
        "backup_repositories": [{"key": 1, "name": "local"}],
        "backup_files": [OWN],
        "backup_files_repositories": [{"name": "local"}],
        "backup_passphrase": BACKUP_SECRETS["passphrase"],
        "backup_drill_day": "Sun",
    }
    assert archiving(stack_of()) == (
        "pgbackrest --stanza=main archive-push %p",
        [{"path": f"/var/{place}/pgbackrest"} for place in ("lib", "spool", "log")],
    )


@pytest.mark.parametrize(
    "stack",
    [stack_of(False), stack_of(EVERYTHING, False), stack_of(EVERYTHING, {"url": DATABASE_ELSEWHERE})],
    ids=["switched off", "no database", "a database elsewhere without dumps"],
)
def test_nothing_is_backed_up_where_nothing_is_to_be(stack: dict[str, Any]) -> None:
    assert role_inputs("backup_", stack) == OFF
    assert archiving(stack) == ("", [])


def test_dumps_of_a_database_elsewhere_are_files_that_are_backed_up() -> None:
    stack = stack_of(EVERYTHING, {"url": DATABASE_ELSEWHERE, "dumps": 3})
    given = role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "a1")
    assert given["backup_databases"] == [{"name": "atlas", "url": DATABASE_ELSEWHERE, "dumps": 3}]
    assert given["backup_files"] == [{"name": "database", "paths": ["/var/backups/roost/databases"]}, OWN]
    assert given["backup_heartbeat_url"] == TOLD
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "d1") == OFF
    assert archiving(stack, TWO_DATABASE_HOSTS, "d1") == ("", [])


def test_the_first_host_with_databases_alone_backs_them_up() -> None:
    stack = stack_of(EVERYTHING, {"assertions": ["SELECT true"]})
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "d2") == OFF
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "a1")["backup_repositories"] == []
    for host in ("a1", "d2"):
        assert archiving(stack, TWO_DATABASE_HOSTS, host) == ("", [])
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "d1")["backup_s3_key"]
    assert archiving(stack, TWO_DATABASE_HOSTS, "d1")[0]


def test_uploads_are_backed_up_by_the_hosts_that_have_them() -> None:
    stack = stack_of(EVERYTHING)
    stack["apps"][0]["media"] = True
    uploads = {"name": "atlas", "paths": ["/srv/atlas/media"]}
    application = role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "a1")
    assert application["backup_files"] == [uploads, OWN]
    assert application["backup_files_repositories"] == [{"name": "local"}, {"name": "offsite"}]
    assert (application["backup_s3"]["path"], application["backup_passphrase"]) == (
        "/prod",
        BACKUP_SECRETS["passphrase"],
    )
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "d1")["backup_files"] == []


def test_one_host_alone_tells_that_all_is_well_and_each_what_failed() -> None:
    stack = stack_of(EVERYTHING)
    given = {host: role_inputs("backup_", stack, TWO_DATABASE_HOSTS, host) for host in ("a1", "d1")}
    assert [given[host]["backup_heartbeat_url"] for host in ("a1", "d1")] == ["", TOLD]
    assert [given[host]["backup_alert_url"] for host in ("a1", "d1")] == [TOLD, TOLD]
    stack = stack_of(EVERYTHING, database=False)
    stack["apps"][0]["media"] = True
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "a1")["backup_heartbeat_url"] == TOLD
    assert role_inputs("backup_", stack, TWO_DATABASE_HOSTS, "d1") == OFF


def test_one_host_alone_copies_the_project_and_only_off_site() -> None:
    groups = TWO_DATABASE_HOSTS | {"all": ["a1", "a2", "d1", "d2"], "app": ["a1", "a2"], "web": ["a1", "a2"]}
    given = {host: role_inputs("backup_", stack_of(EVERYTHING), groups, host) for host in groups["all"]}
    assert [host for host in given if given[host]["backup_project"]] == ["a1"]


def test_everything_that_is_said_arrives() -> None:
    given = role_inputs(
        "backup_", stack_of(EVERYTHING, {"name": "places", "assertions": ["SELECT true", "SELECT 1 = 1"]})
    )
    ca_file = given.pop("backup_s3_ca_file")
    assert Path(ca_file).is_absolute()
    assert ca_file.endswith("/certs/s3.pem")
    assert {name: value for name, value in given.items() if not name.startswith("backup_restore_")} == {
        "backup_repositories": [{"key": 1, "name": "local"}, {"key": 2, "name": "offsite"}],
        "backup_databases": [],
        "backup_files": [OWN],
        "backup_files_repositories": [{"name": "local"}, {"name": "offsite"}],
        "backup_project": str(REPOSITORY / "inventories" / "example"),
        "backup_passphrase": BACKUP_SECRETS["passphrase"],
        "backup_s3": {
            "endpoint": "minio",
            "port": 9000,
            "bucket": "atlas",
            "region": "us-east-1",
            "path": "/prod",
            "style": "path",
        },
        "backup_s3_key": BACKUP_SECRETS["s3_key"],
        "backup_s3_secret": BACKUP_SECRETS["s3_secret"],
        "backup_sftp": {},
        "backup_sftp_key": "",
        "backup_at": "23:05",
        "backup_full_every_days": 14,
        "backup_keep_daily": 1,
        "backup_keep_weekly": 2,
        "backup_keep_monthly": 0,
        "backup_dumps": 0,
        "backup_heartbeat_url": TOLD,
        "backup_alert_url": TOLD,
        "backup_drill_day": "Wed",
        "backup_drill_at": "05:00",
        "backup_drill_memory_mb": 64,
        "backup_assertions": [{"database": "places", "sql": ["SELECT true", "SELECT 1 = 1"]}],
    }


def derived(stack: dict[str, Any], host: str = "vm1") -> tuple[Any, ...]:
    groups = ONE_HOST if host == "vm1" else TWO_DATABASE_HOSTS
    return stack, groups, {name: {"ansible_host": "192.0.2.1"} for name in groups["all"]}, host


def test_a_drill_may_never_begin_by_itself() -> None:
    assert backups.backup_drill_day(*derived(stack_of({"drill": {"day": "never"}}))) == ""
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    given = [backups.backup_drill_day(*derived(stack_of({"drill": {"day": day}}))) for day in days]
    assert given == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_the_port_of_a_bucket_is_that_of_https_if_none_is_given() -> None:
    assert backups.backup_s3(*derived(stack_of({"offsite": OFFSITE})))["port"] == 443


def test_a_passphrase_that_is_missing_is_an_error_rather_than_no_encryption() -> None:
    with pytest.raises(KeyError, match="passphrase"):
        backups.backup_passphrase(*derived(stack_of()), {})
    assert backups.backup_passphrase(*derived(stack_of(False)), {}) == ""


@pytest.mark.parametrize(
    ("stack", "host", "wanted"),
    [
        (stack_of(), "vm1", {"ansible-core", "pgbackrest", "restic"}),
        (stack_of(False), "vm1", set()),
        (stack_of(database=False), "vm1", set()),
        (stack_of(), "a1", {"ansible-core", "restic"}),
        (stack_of(), "d1", {"ansible-core", "pgbackrest"}),
        (stack_of(), "d2", set()),
    ],
)
def test_the_programs_are_installed_where_backups_are_made(stack: dict[str, Any], host: str, wanted: set[str]) -> None:
    names = set(packages.packages_names(*derived(stack, host)))
    assert names & {"ansible-core", "pgbackrest", "restic"} == wanted


def test_derivation_leaves_the_stack_as_it_is() -> None:
    stack = stack_of(EVERYTHING)
    before = copy.deepcopy(stack)
    role_inputs("backup_", stack)
    assert stack == before
