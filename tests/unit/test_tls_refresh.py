"""The program tls-refresh: certbot's renewals, what nginx serves and the metrics, with real certificates."""

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
    (tmp_path / "renewal").mkdir()
    return loaded


def make(folder: Path, days: int, domains: str = "DNS:*.atlas.test,DNS:atlas.test") -> Path:
    folder.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", str(days), "-subj", "/CN=atlas", "-addext", f"subjectAltName={domains}"]
    command += ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(command, check=True, capture_output=True)
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
