"""What the tests of this scenario have in common: the host's backups, and the playbooks that work on them."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.host import Host

SCENARIO = Path(__file__).resolve().parents[1]
FAILED = re.compile(r"msg: ?(.*?)(?=\n\S|\nPLAY RECAP)", re.DOTALL)


@dataclass(frozen=True)
class Played:
    """How a playbook ended, and what it printed."""

    code: int
    output: str


@dataclass(frozen=True)
class Backups:
    """The backups of a host."""

    host: Host

    def sql(self, text: str, database: str = "atlas") -> str:
        """What SQL of the administrator prints."""
        quoted = text.replace("'", "'\\''")
        return str(
            self.host.check_output(f"cd / && runuser -u postgres -- psql -XAtq -d {database} -c '{quoted}'")
        ).strip()

    def state(self) -> dict[str, Any]:
        """What is remembered on the host."""
        known: dict[str, Any] = json.loads(self.host.check_output("cat /var/lib/roost/backup/state.json"))
        return known

    def files_state(self) -> dict[str, Any]:
        """What is remembered of files on the host."""
        known: dict[str, Any] = json.loads(self.host.check_output("cat /var/lib/roost/backup/files.json"))
        return known

    def snapshots(self, repository: str) -> list[str]:
        """The snapshots of a repository of files, the oldest first."""
        printed = self.restic(repository, "snapshots --json --no-lock")
        return [snapshot["short_id"] for snapshot in json.loads(printed)]

    def restic(self, repository: str, command: str) -> str:
        """What restic prints, in the environment of a repository."""
        settings = f"set -a; . /etc/roost/restic/{repository}.env; set +a"
        sftp = '${SFTP_COMMAND:+"--option=sftp.command=$SFTP_COMMAND"}'
        return str(self.host.check_output(f"{settings}; restic --option=s3.bucket-lookup=path {sftp} {command}"))

    def labels(self, key: int) -> list[str]:
        """The backups of a repository, the oldest first."""
        return [backup["label"] for backup in json.loads(self.pgbackrest(key, "info --output=json"))[0]["backup"]]

    def pgbackrest(self, key: int, command: str) -> str:
        """Run pgBackRest itself with a repository and return what it printed."""
        line = f"cd / && runuser -u postgres -- pgbackrest --stanza=main --repo={key} {command}"
        return str(self.host.check_output(line))

    def newest(self, key: int) -> str:
        """The newest backup of a repository."""
        return self.labels(key)[-1]

    def unattended(self, playbook: str = "backup") -> int:
        """Run a playbook as cron does, without its random delay; returns the exit code."""
        return int(self.host.run(f"/usr/local/lib/roost/unattended {playbook} now").rc)

    def on_host(self, playbook: str, **variables: Any) -> Played:
        """Run a playbook of the copy on the host."""
        extra = json.dumps(variables).replace("'", "'\\''")
        run = self.host.run(f"cd /usr/local/share/roost && ansible-playbook playbooks/{playbook}.yml -e '{extra}'")
        return Played(run.rc, run.stdout + run.stderr)

    def told(self, what: str) -> list[str]:
        """The requests that the listener got: `alert` or `heartbeat`."""
        return str(self.host.run(f"cat /srv/told/{what}").stdout).splitlines()

    def operate(self, entry: str, *options: str, **variables: Any) -> Played:
        """Run an entry point of the role from the controller."""
        return self.play("operate.yml", *options, entry=entry, **variables)

    def play(self, playbook: str, *options: str, **variables: Any) -> Played:
        """Run a playbook of this scenario on the host."""
        run = subprocess.run(
            self._command(playbook, *options, **variables), capture_output=True, text=True, check=False
        )
        return Played(run.returncode, run.stdout + run.stderr)

    def start(self, entry: str, **variables: Any) -> subprocess.Popen[bytes]:
        """Start an entry point of the role, to be killed."""
        command = self._command("operate.yml", entry=entry, **variables)
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def restore_files(self, **variables: Any) -> Played:
        """Restore the application's files, with the agreement of whoever runs the tests."""
        given = {f"backup_restore_{name}": value for name, value in variables.items()}
        return self.operate("restore_files", backup_restore_confirmed=True, backup_restore_files="atlas", **given)

    def restore(self, **variables: Any) -> Played:
        """Restore, with the agreement of whoever runs the tests."""
        given = {f"backup_restore_{name}": value for name, value in variables.items()}
        return self.operate("restore", backup_restore_confirmed=True, **given)

    def service(self) -> str:
        """PostgreSQL's unit."""
        version = self.host.check_output("pg_lsclusters --no-header").split()[0]
        return f"postgresql@{version}-main"

    def data(self) -> str:
        """PostgreSQL's data directory."""
        return str(self.host.check_output("pg_lsclusters --no-header").split()[5])

    def wait_until_archived(self) -> None:
        """Switch to a new file of the log, and wait until everything before it is archived."""
        self.sql("SELECT pg_switch_wal()")
        deadline = time.monotonic() + 180
        while self.host.run(f"ls {self.data()}/pg_wal/archive_status | grep -q ready$").rc == 0:
            assert time.monotonic() < deadline, "the log isn't archived"
            time.sleep(0.5)

    def now(self) -> str:
        """The host's time, as restores take it, with a second before and after it."""
        time.sleep(1.1)
        moment = str(self.host.check_output("date -u '+%Y-%m-%d %H:%M:%S+00'"))
        time.sleep(1.1)
        return moment

    def _command(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        return [
            *["ansible-playbook", "--limit", self.host.backend.get_hostname(), *options],
            *[f"--inventory={os.environ['ROOST_SANDBOX_DIR']}/inventory", "--extra-vars", json.dumps(variables)],
            str(SCENARIO / playbook),
        ]
