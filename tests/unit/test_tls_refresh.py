"""The program tls-refresh: certbot's renewals, what nginx serves and the metrics, with real certificates."""

import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.programs import load_program


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    loaded = load_program("certbot", "tls-refresh")
    monkeypatch.setattr(loaded, "RENEWAL", tmp_path / "renewal")
    monkeypatch.setattr(loaded, "METRICS", tmp_path / "metrics" / "roost.prom")
    monkeypatch.setattr(loaded, "STAPLING", tmp_path / "stapling")
    (tmp_path / "renewal").mkdir()
    return loaded


def make(folder: Path, days: int, domains: str = "DNS:*.atlas.test,DNS:atlas.test") -> Path:
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", str(days), "-subj", f"/CN={folder.name}", "-addext", f"subjectAltName={domains}"]
    command += ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("tls") / "authority", 1)


def issue(folder: Path, authority: Path, access: str) -> tuple[str, str]:
    """A certificate with this AIA extension if it isn't empty, and that of its issuer."""
    folder.mkdir()
    key, issuer = authority / "privkey.pem", authority / "fullchain.pem"
    command = ["openssl", "req", "-x509", "-subj", "/CN=atlas", "-addext", "subjectAltName=DNS:atlas.test"]
    command += ["-key", str(key), "-CA", str(issuer), "-CAkey", str(key)]
    command += ["-addext", f"authorityInfoAccess={access}"] if access else []
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout, issuer.read_text()


@pytest.fixture
def nginx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with one line in `reloads` for each; a file `refuse` or `down` in it makes nginx refuse or be down."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    programs = {
        "nginx": f"! test -e {folder}/refuse",
        "systemctl": f"if [ $1 = reload ]; then echo reload >>{folder}/reloads; else ! test -e {folder}/down; fi",
    }
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / "reloads").touch()
    return folder


@pytest.mark.parametrize(("days", "before"), [(90, 30 * 86400), (12, 4 * 86400), (6, 3 * 86400), (1, 43200)])
def test_a_certificate_is_renewed_at_a_third_of_its_life_or_at_half_of_a_short_one(
    program: ModuleType, tmp_path: Path, days: int, before: int
) -> None:
    assert program.read(make(tmp_path / "atlas", days)).renew_before == before


def test_a_wildcard_is_asked_for_by_a_name_under_it(program: ModuleType, tmp_path: Path) -> None:
    assert program.read(make(tmp_path / "atlas", 1)).domain == "any.atlas.test"


def test_what_is_no_certificate_is_left_out(program: ModuleType, tmp_path: Path) -> None:
    assert program.read(tmp_path / "none") is None
    (tmp_path / "fullchain.pem").write_text("nonsense")
    assert program.read(tmp_path) is None


def test_certbot_is_told_once_when_to_renew(program: ModuleType) -> None:
    file = program.RENEWAL / "atlas.conf"
    file.write_text("# renew_before_expiry = 30 days\nversion = 2.1.0\n[renewalparams]\nserver = x\n")
    short = program.Certificate("atlas", "atlas.test", b"", 0, 6 * 86400, self_signed=False)
    for _ in range(2):
        program.set_renewal(short)
        assert file.read_text() == (
            "renew_before_expiry = 259200 seconds\n# renew_before_expiry = 30 days\n"
            "version = 2.1.0\n[renewalparams]\nserver = x\n"
        )


def test_metrics_are_written_for_each_certificate(program: ModuleType) -> None:
    one = program.Certificate("atlas", "atlas.test", b"", 1000, 5000, self_signed=False)
    two = program.Certificate("flock", "flock.test", b"", 1000, 6000, self_signed=True)
    program.write_metrics([one, two], [two])
    lines = program.METRICS.read_text().splitlines()
    assert "# TYPE roost_certificate_expiry_timestamp_seconds gauge" in lines
    assert 'roost_certificate_expiry_timestamp_seconds{name="atlas"} 5000' in lines
    assert 'roost_certificate_lifetime_seconds{name="flock"} 5000' in lines
    assert 'roost_certificate_self_signed{name="flock"} 1' in lines
    assert [line for line in lines if line.startswith("roost_certificate_outdated")] == [
        'roost_certificate_outdated{name="atlas"} 0',
        'roost_certificate_outdated{name="flock"} 1',
    ]


@pytest.mark.parametrize(
    ("access", "responder"),
    [
        ("OCSP;URI:http://ocsp.atlas.test:8080/path?a=b,OCSP;URI:http://second.test", "ocsp.atlas.test"),
        ("caIssuers;URI:http://atlas.test/ca.pem,OCSP;URI:HTTP://127.0.0.1", "127.0.0.1"),
        ("OCSP;URI:https://ocsp.atlas.test,OCSP;URI:http://second.test", ""),
        ("caIssuers;URI:http://atlas.test/ca.pem", ""),
        ("", ""),
    ],
)
def test_the_responder_is_the_first_address_if_nginx_can_ask_it(
    program: ModuleType, authority: Path, tmp_path: Path, access: str, responder: str
) -> None:
    folder = tmp_path / "atlas"
    leaf, issuer = issue(folder, authority, access)
    (folder / "fullchain.pem").write_text(leaf + issuer)
    assert program.read(folder).responder == responder


def test_without_its_issuer_there_is_no_responder_to_ask(program: ModuleType, authority: Path, tmp_path: Path) -> None:
    folder = tmp_path / "atlas"
    leaf, _ = issue(folder, authority, "OCSP;URI:http://127.0.0.1")
    for chain in (leaf, leaf + leaf):
        (folder / "fullchain.pem").write_text(chain)
        assert program.read(folder).responder == ""


def certificate(program: ModuleType, name: str, responder: str) -> object:
    found: object = program.Certificate(name, f"{name}.test", b"", 0, 1, self_signed=False, responder=responder)
    return found


def test_nginx_loads_once_what_is_stapled_and_what_no_longer(program: ModuleType, nginx: Path) -> None:
    with_responder, without = (
        [certificate(program, "atlas", responder), certificate(program, "flock.example", "")]
        for responder in ("127.0.0.1", "")
    )
    for _ in range(2):
        program.bring_in_step(with_responder, [])
        assert [file.name for file in program.STAPLING.iterdir()] == ["atlas.conf"]
        assert (nginx / "reloads").read_text() == "reload\n"
    for _ in range(2):
        program.bring_in_step(without, [])
        assert list(program.STAPLING.iterdir()) == []
        assert (nginx / "reloads").read_text() == "reload\n" * 2


def test_a_responder_without_an_address_is_left_out_only_until_it_had_one(program: ModuleType, nginx: Path) -> None:
    # Longer than a label of a name may be, so that no DNS is asked.
    nowhere = [certificate(program, "atlas", "x" * 64)]
    program.bring_in_step(nowhere, [])
    assert program.stapled() == set()
    program.set_stapled({"atlas"})
    program.bring_in_step(nowhere, [])
    assert program.stapled() == {"atlas"}
    assert (nginx / "reloads").read_text() == ""


def test_what_nginx_refused_is_tried_again(program: ModuleType, nginx: Path) -> None:
    certificates = [certificate(program, "atlas", "127.0.0.1")]
    (nginx / "refuse").touch()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            program.bring_in_step(certificates, [])
        assert program.stapled() == set()
    (nginx / "refuse").unlink()
    program.bring_in_step(certificates, [])
    assert (nginx / "reloads").read_text() == "reload\n"


def test_an_nginx_that_is_down_is_left_alone(program: ModuleType, nginx: Path) -> None:
    for name in ("down", "refuse"):
        (nginx / name).touch()
    program.bring_in_step([certificate(program, "atlas", "127.0.0.1")], [])
    assert program.stapled() == {"atlas"}
    assert (nginx / "reloads").read_text() == ""
