"""Where releases come from: git over ssh, a package of the index, a lock; and what is refused before it is built."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploying import VARIABLES
from testinfra.host import Host

from tests.support.scenario import play, succeed

ORIGIN = "ssh://git@localhost/var/lib/feed.git"
COMMIT = "git -c user.name=Roost -c user.email=roost@example.com commit --quiet --message=next"
PACKAGES = "/srv/{}/current/venv/lib/python3*/site-packages"


def deploy(host: Host, app: str, **extra: Any) -> subprocess.CompletedProcess[str]:
    return play(host, "deploy.yml", app_deploy=[app], **extra)


def from_git(version: str, **access: Any) -> dict[str, Any]:
    return {"kind": "git", "location": ORIGIN, "version": version, **access}


def live_release(host: Host, app: str) -> str:
    return Path(host.check_output(f"readlink /srv/{app}/current")).name


def push(host: Host, branch: str, *changes: str) -> str:
    """Commit changes, made by shell commands, on a branch that begins at v1, and return the commit."""
    host.check_output(
        f"set -e; cd /var/lib/feed; git checkout --quiet --force -B {branch} v1; {'; '.join(changes)}; git add .; "
        f"{COMMIT}; git push --quiet --force /var/lib/feed.git {branch}"
    )
    return host.check_output("git -C /var/lib/feed rev-parse HEAD")


def refused(run: subprocess.CompletedProcess[str]) -> str:
    """Require that a deploy failed without a word of any private key, and return what it said."""
    assert run.returncode != 0, run.stdout
    assert "PRIVATE KEY" not in run.stdout + run.stderr
    return run.stdout


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key, with its public half beside it."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    return file


@pytest.fixture
def let_in(host: Host, key: Path) -> Iterator[None]:
    """The git server knows the key."""
    public = key.with_suffix(".pub").read_text().strip()
    host.check_output(f"install -d -o git -g git /home/git/.ssh && echo '{public}' >/home/git/.ssh/authorized_keys")
    yield
    host.check_output("rm -rf /home/git/.ssh")


def test_a_deploy_key_that_the_server_does_not_know_is_shown_with_its_public_half(host: Host, key: Path) -> None:
    before = live_release(host, "feed")
    told = refused(deploy(host, "feed", feed_source=from_git("v1", deploy_key=key.read_text())))
    assert "localhost refuses the deploy key" in told
    assert key.with_suffix(".pub").read_text().strip() in told
    assert live_release(host, "feed") == before


@pytest.mark.usefixtures("let_in")
def test_a_deploy_key_reads_the_repository_and_stays_nowhere(host: Host, key: Path) -> None:
    private = key.read_text()
    commit = push(host, "main", "echo '# a first change' >>feed_app.py")
    succeed(deploy(host, "feed", feed_source=from_git("main", deploy_key=private)))
    assert live_release(host, "feed") == commit[:12]
    assert host.run("runuser -u feed -- test -w /srv/feed/current/src/feed_app.py").rc != 0
    line = private.splitlines()[1]
    everywhere = "/srv/feed /etc/roost /root /run /tmp /var/cache/roost /var/log /var/tmp"
    assert host.run(f"grep --recursive --files-with-matches --fixed-strings '{line}' {everywhere}").stdout == ""


@pytest.mark.usefixtures("let_in")
def test_the_host_key_counts_that_was_met_first_or_is_declared(host: Host, key: Path) -> None:
    """The branch moves on, and the deploy brings what it is now."""
    private = key.read_text()
    assert host.file("/srv/feed/known_hosts").contains("ssh-ed25519")
    commit = push(host, "main", "echo '# a second change' >>feed_app.py")
    own = host.check_output("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    succeed(deploy(host, "feed", feed_source=from_git("main", deploy_key=private, host_keys=[own])))
    assert live_release(host, "feed") == commit[:12]
    another = key.with_suffix(".pub").read_text().strip()
    told = refused(deploy(host, "feed", feed_source=from_git("main", deploy_key=private, host_keys=[another])))
    assert "The host key of localhost is not the one that is declared" in told


@pytest.mark.usefixtures("let_in")
def test_a_forwarded_agent_reads_the_repository_too(
    host: Host, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = subprocess.run(["ssh-agent", "-s"], check=True, capture_output=True, text=True).stdout
    for name, value in re.findall(r"^(SSH_\w+)=([^;]+);", agent, re.MULTILINE):
        monkeypatch.setenv(name, value)
    try:
        subprocess.run(["ssh-add", "-q", str(key)], check=True)
        connection = {
            "ansible_ssh_extra_args": "-o ForwardAgent=yes",
            "ansible_control_path_dir": str(tmp_path),
            "ansible_become": True,
            "ansible_become_flags": "-H -S -n --preserve-env=SSH_AUTH_SOCK",
        }
        succeed(deploy(host, "feed", feed_source=from_git("v1"), **connection))
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True, env=dict(os.environ))
    assert live_release(host, "feed") == host.check_output("git -C /var/lib/feed rev-parse --short=12 v1^{commit}")


def test_an_unknown_version_is_named_and_the_old_release_serves_on(host: Host) -> None:
    before = live_release(host, "feed")
    told = refused(deploy(host, "feed", app_version="v1.0"))
    assert 'no branch, tag or commit v1.0. Did you mean "v1"?' in told
    assert live_release(host, "feed") == before
    assert host.run("curl -sSf --unix-socket /srv/feed/live.sock http://feed.example.com/").rc == 0


def test_a_packaged_application_serves_in_the_version_that_is_asked_for(host: Host) -> None:
    def served() -> str:
        ask = "curl -sSf --unix-socket /srv/sample/live.sock http://sample.example.com/"
        answer = re.search(r"(?i)werkzeug\D{0,40}?(3\.\d+\.\d+)", host.check_output(ask))
        assert answer, "the page doesn't tell its version"
        return answer[1]

    manifest = json.loads(host.file("/srv/sample/current/manifest.json").content_string)
    assert manifest["version"] == live_release(host, "sample") == served() == "3.1.3"
    succeed(deploy(host, "sample", app_version="3.0.6"))
    assert live_release(host, "sample") == served() == "3.0.6"
    assert succeed(deploy(host, "sample")) == 1
    assert served() == "3.1.3"


def test_a_lock_is_installed_exactly_and_must_fit_its_project_and_a_submodule_is_told(host: Host) -> None:
    before = live_release(host, "wire")
    declare = """sed -i 's/dependencies = .*/dependencies = ["six>=1.16"]/' pyproject.toml"""
    lock = "uv=$(ls /opt/roost/uv/*/bin/uv); SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt $uv lock --quiet"
    push(host, "unlocked", declare)
    assert "lockfile at `uv.lock` needs to be updated" in refused(deploy(host, "wire", app_version="unlocked"))
    assert live_release(host, "wire") == before
    module = "mkdir -p vendor/lib; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),vendor/lib"
    push(host, "locked", declare, f"{lock} --upgrade-package six==1.16.0", module)
    run = deploy(host, "wire", app_version="locked")
    succeed(run)
    assert host.run(f"ls -d {PACKAGES.format('wire')}/six-1.16.0.dist-info").rc == 0
    assert "wire: the submodule vendor/lib is left out" in " ".join(f"{run.stdout} {run.stderr}".split())


def test_releases_share_the_files_of_their_packages(host: Host) -> None:
    file = "venv/lib/python3*/site-packages/gunicorn/__init__.py"
    inodes = host.check_output(f"stat --format=%i /srv/*/releases/*/{file}").split()
    # Not one alone: an earlier test has emptied the wheel cache.
    assert len(set(inodes)) < len(VARIABLES["app_apps"])


def test_a_python_that_the_host_lacks_is_refused_before_anything_is_built(host: Host) -> None:
    folders = sorted(host.file("/srv/site/releases").listdir())
    own = host.check_output("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'")
    wanted = {"version": "3.9", "requirements": "requirements.txt"}
    told = refused(deploy(host, "site", site_python=wanted))
    assert f"this host has no Python 3.9; it has {own}; nothing was built" in told
    assert sorted(host.file("/srv/site/releases").listdir()) == folders
