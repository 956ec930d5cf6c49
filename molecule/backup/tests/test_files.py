"""What was uploaded is backed up with the databases, comes back, and is missed loudly."""

import subprocess
import tarfile
from pathlib import Path

from backups import SCENARIO, Backups
from testinfra.host import Host

MEDIA = "/srv/atlas/media"
FIRST = f"{MEDIA}/notes/first.txt"
# Without the databases, which are tested elsewhere.
FILES_ALONE: dict[str, list[dict[str, str]]] = {"backup_repositories": []}
# It answers a while after it has started.
START_S3 = """
systemctl start s3; set -a; . /etc/roost/restic/offsite.env
timeout 60 sh -c 'until restic --option=s3.bucket-lookup=path cat config > /dev/null 2>&1; do sleep 1; done'
"""


def back_up(backups: Backups) -> None:
    """Back files up."""
    played = backups.on_host("backup", **FILES_ALONE)
    assert played.code == 0, played.output


def test_the_first_backup_is_made_at_once(backups: Backups) -> None:
    tagged = {name: backups.restic(name, "snapshots --json --no-lock --tag atlas") for name in ("local", "offsite")}
    assert all('"short_id"' in snapshots for snapshots in tagged.values())


def test_the_cache_shuts_no_other_user_out(host: Host) -> None:
    assert host.file("/var/cache/roost").mode == 0o755
    assert host.file("/var/cache/roost/restic").mode == 0o700


def test_a_new_server_leaves_the_backups_of_the_one_before_alone(host: Host, backups: Backups) -> None:
    kept = {name: backups.snapshots(name) for name in ("local", "offsite")}
    state = "/var/lib/roost/backup/files.json"
    host.check_output(f"mv {state} {state}.kept")
    try:
        played = backups.operate("first_files")
    finally:
        host.check_output(f"mv {state}.kept {state}")
    assert "There are backups of atlas that this host did not make." in " ".join(played.output.split())
    assert (played.code, {name: backups.snapshots(name) for name in kept}) == (0, kept)


def test_files_are_backed_up_to_both_places(host: Host, backups: Backups) -> None:
    assert host.run("grep -r molecule-secret /usr/local/share/roost/inventories /var/lib/roost/backup").rc == 1
    for name in ("local", "offsite"):
        assert host.file(f"/etc/roost/restic/{name}.env").mode == 0o600
    back_up(backups)
    known = backups.files_state()
    assert (known["reason"], sorted(known["repositories"])) == ("", ["local", "offsite"])
    for name in ("local", "offsite"):
        assert backups.snapshots(name)[-1] == known["repositories"][name]["atlas"]["label"]
    metrics = host.file("/var/lib/prometheus/node-exporter/roost_files.prom").content_string
    assert "roost_files_failed 0" in metrics
    assert host.run("grep -rl Uploaded /var/backups/roost/files").rc == 1, "it must be encrypted"


def test_a_deleted_folder_comes_back_from_off_site(host: Host, backups: Backups) -> None:
    back_up(backups)
    before = host.check_output(f"find {MEDIA} -printf '%p %u %g %m %T@\\n' | sort")
    host.check_output(f"rm -rf {MEDIA}")
    played = backups.on_host("backup", **FILES_ALONE)
    assert played.code != 0
    assert f"offsite: atlas: there is no {MEDIA} to back up" in played.output
    assert backups.restore_files(**{"from": "offsite"}).code == 0
    assert host.check_output(f"find {MEDIA} -printf '%p %u %g %m %T@\\n' | sort") == before
    assert host.file(FIRST).content_string == "Uploaded."


def test_what_a_restore_replaces_is_kept_until_somebody_agrees(host: Host, backups: Backups) -> None:
    host.check_output(f"echo later > {MEDIA}/later.txt")
    played = backups.operate("restore_files", "--check", backup_restore_files="atlas")
    assert "What is there now is kept aside." in played.output
    assert "Nothing was done: agree with" in backups.operate("restore_files", backup_restore_files="atlas").output
    assert host.file(f"{MEDIA}/later.txt").exists
    assert backups.restore_files(label=backups.snapshots("local")[-1]).code == 0
    assert not host.file(f"{MEDIA}/later.txt").exists
    assert backups.restore_files(action="undo").code == 0
    assert host.file(f"{MEDIA}/later.txt").exists
    assert backups.restore_files(action="confirm").code == 0
    assert host.check_output("ls -A /srv/atlas") == "media"
    host.check_output(f"rm {MEDIA}/later.txt")


def test_a_server_that_is_down_or_refuses_is_told_in_a_line(host: Host, backups: Backups) -> None:
    env = "/etc/roost/restic/offsite.env"
    kept = backups.snapshots("offsite")
    host.check_output(f"cp -p {env} /root/offsite.env")
    for spoil, mend, problem in (
        ("systemctl stop s3", START_S3, "offsite: the server can't be reached"),
        (f"sed -i s/^AWS_SECRET.*/AWS_SECRET_ACCESS_KEY=x/ {env}", f"cp -p /root/offsite.env {env}", "the access key"),
        (f"sed -i s/^RESTIC_PASSWORD.*/RESTIC_PASSWORD=x/ {env}", f"cp -p /root/offsite.env {env}", "this passphrase"),
    ):
        told = len(backups.told("alert"))
        host.check_output(spoil)
        try:
            played = backups.on_host("backup", **FILES_ALONE, backup_files_repositories=[{"name": "offsite"}])
        finally:
            host.check_output(mend)
        assert played.code != 0
        assert problem in played.output
        assert problem in "".join(backups.told("alert")[told:])
        assert problem in backups.files_state()["reason"]
    back_up(backups)
    assert backups.files_state()["reason"] == ""
    assert len(backups.snapshots("offsite")) >= len(kept)


def test_a_killed_backup_is_repaired_by_the_next_one(host: Host, backups: Backups) -> None:
    host.check_output(f"head -c 40000000 /dev/urandom > {MEDIA}/big")
    settings = "set -a; . /etc/roost/restic/local.env; set +a"
    host.check_output(
        f"{settings}; (restic --limit-upload=1 backup {MEDIA} > /dev/null 2>&1 &) ; sleep 3; pkill -KILL -x restic"
    )
    assert backups.restic("local", "list locks --no-lock --quiet").strip()
    host.check_output(f"rm {MEDIA}/big")
    back_up(backups)
    assert not backups.restic("local", "list locks --no-lock --quiet").strip()


def test_what_there_is_can_be_told(host: Host, backups: Backups) -> None:
    played = backups.operate("look")
    assert played.code == 0
    assert backups.snapshots("offsite")[-1] in played.output
    assert host.file("/etc/roost/files.json").exists


def test_the_project_comes_back_by_the_password_of_its_vault(host: Host, backups: Backups, tmp_path: Path) -> None:
    kept = "/etc/roost/project.vault"
    assert (host.file(kept).user, host.file(kept).mode) == ("root", 0o600)
    host.check_output("rm -rf /root/found")
    backups.restic("project", "restore latest --target /root/found")
    sealed, opened = tmp_path / "project.vault", tmp_path / "project.tar.xz"
    sealed.write_text(host.check_output(f"cat /root/found{kept}"))
    subprocess.run(["ansible-vault", "decrypt", "--output", opened, sealed], cwd=SCENARIO, check=True)
    with tarfile.open(opened) as archive:
        archive.extractall(tmp_path, filter="data")
    stack = "inventories/example/group_vars/all/stack.yml"
    assert (tmp_path / stack).read_bytes() == (SCENARIO.parents[1] / stack).read_bytes()


def test_the_night_copies_the_project_again_and_tells_if_it_can_not(host: Host, backups: Backups) -> None:
    metrics = "/var/lib/prometheus/node-exporter/roost_project.prom"
    before = host.file(metrics).content_string
    back_up(backups)
    assert host.file(metrics).content_string != before
    env = "/etc/roost/restic/project.env"
    host.check_output(f"cp -p {env} /root/project.env && sed -i s/^AWS_SECRET.*/AWS_SECRET_ACCESS_KEY=x/ {env}")
    try:
        played = backups.on_host("backup", **FILES_ALONE)
    finally:
        host.check_output(f"cp -p /root/project.env {env}")
    assert played.code != 0
    assert "project: the server refuses the access key" in backups.told("alert")[-1]
