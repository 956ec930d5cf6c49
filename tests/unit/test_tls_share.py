"""The program tls-share: what the web host that has certificates issued lays out, and what the others do with it."""

from pathlib import Path
from types import ModuleType

import pytest
from cryptography.fernet import Fernet

from tests.support.programs import load_program

CIPHER = Fernet(Fernet.generate_key())
FIRST = {"fullchain.pem": "chain 1", "privkey.pem": "key 1"}
SECOND = {"fullchain.pem": "chain 2", "privkey.pem": "key 2"}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    loaded = load_program("certbot", "tls-share")
    for name in ("LAID_OUT", "ISSUED", "RECEIVED", "LINKS"):
        monkeypatch.setattr(loaded, name, tmp_path / name.lower())
    loaded.LINKS.mkdir()
    return loaded


def issue(program: ModuleType, name: str, files: dict[str, str]) -> None:
    (program.ISSUED / name).mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (program.ISSUED / name / file).write_text(content)


def test_only_ciphertext_is_laid_out_and_only_of_what_was_issued(program: ModuleType) -> None:
    issue(program, "atlas", FIRST)
    program.lay_out(CIPHER, ["atlas", "flock"])
    (file,) = program.LAID_OUT.iterdir()
    assert b"key 1" not in file.read_bytes()
    assert b"key 1" in CIPHER.decrypt(file.read_bytes())


def test_the_same_is_not_laid_out_twice_and_another_is(program: ModuleType) -> None:
    issue(program, "atlas", FIRST)
    program.lay_out(CIPHER, ["atlas"])
    before = (program.LAID_OUT / "atlas").read_bytes()
    program.lay_out(CIPHER, ["atlas"])
    assert (program.LAID_OUT / "atlas").read_bytes() == before
    issue(program, "atlas", SECOND)
    program.lay_out(CIPHER, ["atlas"])
    assert b"key 2" in CIPHER.decrypt((program.LAID_OUT / "atlas").read_bytes())


def test_with_another_key_all_is_laid_out_anew_and_what_is_not_shared_goes(program: ModuleType) -> None:
    issue(program, "atlas", FIRST)
    issue(program, "flock", FIRST)
    program.lay_out(CIPHER, ["atlas", "flock"])
    other = Fernet(Fernet.generate_key())
    program.lay_out(other, ["atlas"])
    (file,) = program.LAID_OUT.iterdir()
    assert program.decrypted(other, file.read_bytes())
    assert program.decrypted(CIPHER, file.read_bytes()) is None


def test_what_was_received_is_in_use_with_a_private_key_that_is_private(program: ModuleType) -> None:
    program.receive("atlas", FIRST, 100)
    folder = program.LINKS / "atlas"
    assert (folder / "fullchain.pem").read_text() == "chain 1"
    assert (folder / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in program.LINKS.iterdir()] == ["atlas"]


def test_the_next_one_takes_its_place_and_an_older_one_does_not(program: ModuleType) -> None:
    program.receive("atlas", FIRST, 100)
    program.receive("atlas", SECOND, 200)
    program.receive("atlas", FIRST, 150)
    assert (program.LINKS / "atlas/privkey.pem").read_text() == "key 2"
    assert len(list(program.RECEIVED.iterdir())) == 1
