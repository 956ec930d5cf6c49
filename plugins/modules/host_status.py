#!/usr/bin/python
"""Tell how a host is: its services, applications, certificates, backups, disks and memory."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.roost_backup.health import health
from ansible.module_utils.roost_backup.receiver import receiver_health
from ansible.module_utils.roost_database.elsewhere import reach
from ansible.module_utils.roost_dumps.health import dumps_health
from ansible.module_utils.roost_files.health import files_health

DOCUMENTATION = r"""
module: host_status
short_description: Tell how a host is
description:
  - Looks at the services that Roost installs, the live release of each application, whether databases elsewhere answer,
    certificates, backups, disks, memory and failed units. Changes nothing. What isn't on the host is left out.
author: The Roost authors
options:
  apps:
    description: Names of the applications.
    type: list
    elements: str
    required: true
  databases:
    description: Databases elsewhere that the applications of this host need.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: "What people call it.", type: str, required: true}
      url: {description: "Its URL, with a password.", type: str, required: true}
"""

EXAMPLES = r"""
- name: Look at the host
  host_status:
    apps: [atlas]
"""

RETURN = r"""
status:
  description: The host's state; the keys are those of C(roost status --json).
  returned: always
  type: dict
"""

SERVICES = [
    "nginx",
    "postgresql",
    "redis-server",
    "supervisor",
    "nftables",
    "ssh",
    "roost-wal-sender",
    "roost-wal-receiver",
]
SLOTS = ("blue", "green")
POOLER = "pgbouncer"
POOLER_CONFIGURATION = Path("/etc/pgbouncer/roost.ini")
TLS = Path("/etc/roost/tls")
TLS_STATE = Path("/var/lib/roost/tls/state.json")
APPS = Path("/srv")
MAINTENANCE = Path("/etc/roost/maintenance")
DISKS = [Path("/"), Path("/srv"), Path("/var"), Path("/var/lib/postgresql")]
MEBIBYTE = 1024 * 1024
DATABASE = {"name": {"type": "str", "required": True}, "url": {"type": "str", "required": True, "no_log": True}}


def output(*command: str) -> str:
    """What a command prints; nothing if it can't be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def units(names: list[str]) -> dict[str, str]:
    """The state of each unit that exists: active, inactive, failed, ..."""
    if not names:
        return {}
    shown = output("systemctl", "show", "--property=Id,LoadState,ActiveState", *names)
    states = {}
    for block in shown.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines())
        if properties.get("LoadState") == "loaded":
            states[properties["Id"]] = properties["ActiveState"]
    return states


def services() -> dict[str, str]:
    """The state of each service that Roost has installed here; a pooler that was switched off is none."""
    pooler = [POOLER] if POOLER_CONFIGURATION.is_file() else []
    return units([f"{name}.service" for name in [*SERVICES, *pooler]])


def failed_units() -> list[str]:
    """The names of all failed units."""
    listed = output("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--full")
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def programs() -> dict[str, str]:
    """The state of each supervisor program, by its name."""
    lines = [line.split() for line in output("supervisorctl", "status").splitlines()]
    return {line[0].rpartition(":")[2]: line[1].lower() for line in lines if len(line) > 1 and line[1].isupper()}


def app_programs(name: str, all_programs: dict[str, str]) -> dict[str, str]:
    """The state of each background program of an application; of a pool of workers it is that of the live slot."""
    own = {program: state for program, state in all_programs.items() if program.startswith(f"{name}-")}
    pools = {link.name: own.get(f"{link.name}-{link_to(link)}") for link in (APPS / name / "workers").glob("*")}
    single = {program: state for program, state in own.items() if program.rpartition("-")[2] not in SLOTS}
    return single | {pool: state for pool, state in pools.items() if state}


def link_to(path: Path) -> Path:
    """A link's target, or an empty path if there is no link."""
    return path.readlink() if path.is_symlink() else Path()


def changed_at(path: Path) -> str:
    """When a file was written last, or nothing if it doesn't exist."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except FileNotFoundError:
        return ""


def app_status(name: str, all_programs: dict[str, str]) -> dict[str, Any] | None:
    """The state of an application, or None if it isn't on this host."""
    folder = APPS / name
    if not folder.is_dir():
        return None
    releases = folder / "releases"
    slot = link_to(folder / "live.sock").name.removesuffix(".sock")
    web, frontend = f"{name}@{slot}.service", f"{name}-frontend@{slot}.service"
    has_frontend = link_to(folder / "frontend.sock").parent.name == f"{name}-frontend"
    state = units([web, *([frontend] if has_frontend else [])]) if slot else {}
    return {
        "name": name,
        "release": link_to(folder / "current").name,
        "releases": len(list(releases.glob("*/manifest.json"))) if releases.is_dir() else 0,
        "slot": slot,
        "web": state.get(web, ""),
        "warm": warm_release(name),
        "frontend": state.get(frontend, "") if has_frontend else None,
        "maintenance_since": changed_at(MAINTENANCE / f"{name}.on"),
        "programs": app_programs(name, all_programs),
    }


def warm_release(name: str) -> str:
    """The release that is kept warm for a rollback, or nothing."""
    keepers = {slot: f"roost-warm-{name}-{slot}.service" for slot in SLOTS}
    states = units(list(keepers.values()))
    kept = [slot for slot, keeper in keepers.items() if states.get(keeper) == "active"]
    return link_to(APPS / name / "slots" / kept[0]).name if kept else ""


def certificates(now: float) -> list[dict[str, Any]]:
    """Name, issuer, days of life and left of each certificate that nginx uses, and why it couldn't be issued."""
    found = []
    failures = json.loads(TLS_STATE.read_text()).get("failures", {}) if TLS_STATE.exists() else {}
    for chain in sorted(TLS.glob("*/fullchain.pem")):
        shown = output("openssl", "x509", "-noout", "-dates", "-issuer", "-subject", "-in", str(chain))
        fields = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        if "notAfter" not in fields:
            continue
        begin, end = (ssl.cert_time_to_seconds(fields[key]) for key in ("notBefore", "notAfter"))
        name = chain.parent.name
        found.append(
            {
                "name": name,
                "days_left": int((end - now) // 86400),
                "lifetime_days": round((end - begin) / 86400),
                "self_signed": fields.get("issuer") == fields.get("subject"),
                "failure": failures.get(name, {}).get("reason", ""),
            }
        )
    return found


def disks() -> list[dict[str, Any]]:
    """The file systems under the folders that matter, each once."""
    seen: dict[int, dict[str, Any]] = {}
    for path in DISKS:
        if path.is_dir():
            usage = shutil.disk_usage(path)
            entry = {
                "path": str(path),
                "total_mb": usage.total // MEBIBYTE,
                "free_mb": usage.free // MEBIBYTE,
                "used_percent": round(100 * usage.used / (usage.used + usage.free)),
            }
            seen.setdefault(path.stat().st_dev, entry)
    return list(seen.values())


def memory() -> dict[str, int]:
    """Total and available memory and used swap."""
    lines = [line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()]
    values = {line[0].rstrip(":"): int(line[1]) // 1024 for line in lines}
    return {
        "total_mb": values["MemTotal"],
        "available_mb": values["MemAvailable"],
        "swap_used_mb": values["SwapTotal"] - values["SwapFree"],
    }


def host_status(apps: list[str], databases: list[dict[str, str]]) -> dict[str, Any]:
    """The whole state of this host."""
    all_programs = programs()
    found = [status for app in apps if (status := app_status(app, all_programs))]
    return {
        "uptime_seconds": int(float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])),
        "load": round(os.getloadavg()[0], 2),
        "services": services(),
        "failed_units": failed_units(),
        "apps": found,
        "databases": [{"name": one["name"], "problem": reach(one["url"])} for one in databases],
        "certificates": certificates(time.time()),
        "backups": health(time.time()),
        "dumps": dumps_health(time.time()),
        "files": files_health(time.time()),
        "receiver": receiver_health(),
        "disks": disks(),
        "memory": memory(),
    }


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "apps": {"type": "list", "elements": "str", "required": True},
            "databases": {"type": "list", "elements": "dict", "default": [], "options": DATABASE},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, status=host_status(module.params["apps"], module.params["databases"]))


if __name__ == "__main__":
    main()
