#!/usr/bin/python
"""Ansible module: see DOCUMENTATION."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.acme import (
    BUSY,
    Failure,
    Lineage,
    Request,
    certbot_command,
    due_reason,
    failure_reason,
    read_lineage,
    report,
    retry_at,
)
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tls_store import CERTIFICATES_ARGUMENT, TlsStore

DOCUMENTATION = """
module: acme_certificates
short_description: Issue the certificates that are due and put them in use
description:
  - Asks the certificate authority, through certbot, for each certificate of kind C(acme) that is missing,
    expired, or was issued for other domains or by another authority. Renewal is certbot's own timer.
  - Then points each certificate's link at the issued certificate, or at the placeholder where there is none,
    and runs I(deploy_hook). When the hook fails, the links are put back.
  - A certificate that can't be issued doesn't hold up the others; the module fails at the end and names it.
    The same request isn't sent again before I(retry_minutes) have passed.
  - Certificates that are no longer declared are removed, from certbot too if this module issued them.
options:
  certificates:
    description: The certificates, each with its name, domains and kind (acme or selfsigned).
    type: list
    elements: dict
    required: true
  email:
    description: Address of the account at the certificate authority; empty for none.
    type: str
    required: true
  directory_url:
    description: ACME directory of the certificate authority.
    type: str
    required: true
  ca_bundle:
    description: File with the authorities by which to trust that server; empty for the system's.
    type: str
    required: true
  webroot:
    description: Folder that the web server serves at /.well-known/acme-challenge/ of each domain.
    type: path
    required: true
  deploy_hook:
    description: Program that makes the web server load the certificates.
    type: path
    required: true
  retry_minutes:
    description: Minutes before a request that failed is sent again.
    type: int
    required: true
"""

EXAMPLES = """
- name: Issue what is due
  acme_certificates:
    certificates:
      - {name: atlas, domains: [atlas.example.com], kind: acme}
    email: ops@example.com
    directory_url: https://acme-v02.api.letsencrypt.org/directory
    ca_bundle: ""
    webroot: /var/www/acme
    deploy_hook: /etc/letsencrypt/renewal-hooks/deploy/roost-reload-nginx
    retry_minutes: 60
"""

RETURN = """
requested:
  description: Why each certificate was (in check mode, would be) asked for, by name.
  type: dict
  returned: always
switched:
  description: Names of the certificates whose link changed.
  type: list
  returned: always
"""

STATE_FILE = Path("/var/lib/roost/tls/state.json")
CERTBOT_TIMEOUT_SECONDS = 300
BUSY_ATTEMPTS = 12
BUSY_PAUSE_SECONDS = 5


@dataclass
class State:
    """What must outlive a run, killed ones included."""

    asked: list[str] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    reload_pending: bool = False

    @classmethod
    def load(cls) -> State:
        if not STATE_FILE.exists():
            return cls()
        raw = json.loads(STATE_FILE.read_text())
        failures = {
            name: Failure(
                Request(**{**entry["request"], "domains": tuple(entry["request"]["domains"])}),
                entry["at"],
                entry["reason"],
            )
            for name, entry in raw["failures"].items()
        }
        return cls(raw["asked"], failures, raw["reload_pending"])

    def save(self) -> None:
        STATE_FILE.parent.mkdir(parents=True, exist_ok=True)
        fresh = STATE_FILE.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=2) + "\n")
        fresh.replace(STATE_FILE)


class Certificates:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params = module.params
        self.store = TlsStore()
        self.state = State.load()
        self.declared = {entry["name"]: entry for entry in self.params["certificates"]}
        self.requests = {
            name: Request(name, tuple(entry["domains"]), self.params["directory_url"])
            for name, entry in self.declared.items()
            if entry["kind"] == "acme"
        }

    def due(self) -> dict[str, str]:
        """The certificates that aren't as declared, each with the reason."""
        now = time.time()
        reasons = {name: due_reason(request, self.lineage(name), now) for name, request in self.requests.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    def may_ask(self, name: str) -> bool:
        """Whether the same request didn't fail a moment ago."""
        wait_seconds = self.params["retry_minutes"] * 60
        return retry_at(self.state.failures.get(name), self.requests[name], wait_seconds, time.time()) is None

    def lineage(self, name: str) -> Lineage | None:
        folder = self.store.issued(name)
        if folder is None:
            return None
        command = ["openssl", "x509", "-noout", "-enddate", "-ext", "subjectAltName"]
        command += ["-in", str(folder / "fullchain.pem")]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        renewal = self.store.live.parent / "renewal" / f"{name}.conf"
        return read_lineage(text, renewal.read_text() if renewal.exists() else "")

    def issue(self, name: str) -> None:
        """Ask for one certificate; remember the failure, or that the web server must load it."""
        request, reload_was_pending = self.requests[name], self.state.reload_pending
        self.state.asked = sorted({*self.state.asked, name})
        self.state.reload_pending = True
        self.state.save()
        command = certbot_command(request, self.params["email"], self.params["webroot"])
        output, succeeded = self.certbot(command)
        if succeeded:
            self.state.failures.pop(name, None)
        else:
            self.state.failures[name] = Failure(request, time.time(), failure_reason(output))
            self.state.reload_pending = reload_was_pending
        self.state.save()

    def certbot(self, command: list[str]) -> tuple[str, bool]:
        """Run certbot, after a run of its timer. Returns its output and whether it succeeded."""
        bundle = {"REQUESTS_CA_BUNDLE": self.params["ca_bundle"]} if self.params["ca_bundle"] else {}
        for _ in range(BUSY_ATTEMPTS):
            try:
                run = subprocess.run(
                    command,
                    env={**os.environ, **bundle},
                    capture_output=True,
                    text=True,
                    timeout=CERTBOT_TIMEOUT_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return f"certbot did not finish within {CERTBOT_TIMEOUT_SECONDS} seconds", False
            output = run.stdout + run.stderr
            if BUSY not in output:
                break
            time.sleep(BUSY_PAUSE_SECONDS)
        return output, run.returncode == 0

    def targets(self) -> dict[str, Path]:
        """The folder that each declared certificate's link must point at."""
        return {
            name: (self.store.issued(name) if name in self.requests else None)
            or self.store.placeholder(name, entry["domains"])
            for name, entry in self.declared.items()
        }

    def switched(self) -> list[str]:
        """Names whose link isn't as it must be."""
        current, targets = self.store.current(), self.targets()
        return sorted(name for name in current | targets if current.get(name) != targets.get(name))

    def switch(self, names: list[str]) -> None:
        """Put the links right and have the web server load them.

        Raises RuntimeError if it refuses; the links are put back then.
        """
        before, targets = self.store.current(), self.targets()
        if names:
            self.state.reload_pending = True
            self.state.save()
        self.point(names, targets)
        if not self.state.reload_pending:
            return
        hook = subprocess.run([self.params["deploy_hook"]], capture_output=True, text=True, check=False)
        if hook.returncode != 0:
            self.point(names, before)
            reason = (hook.stderr or hook.stdout).strip()
            raise RuntimeError(f"the web server refused, so the certificates were put back: {reason}")
        self.state.reload_pending = False
        self.state.save()

    def point(self, names: list[str], targets: dict[str, Path]) -> None:
        for name in names:
            if name in targets:
                self.store.point(name, targets[name])
            else:
                self.store.unlink(name)

    def retired(self) -> list[str]:
        """Issued by us, and no longer declared as such: certbot would renew them for ever."""
        return [name for name in self.state.asked if name not in self.requests and self.store.issued(name)]

    def stale_placeholders(self) -> list[Path]:
        wanted = {self.store.placeholder(name, entry["domains"]) for name, entry in self.declared.items()}
        folders = self.store.placeholders.iterdir() if self.store.placeholders.is_dir() else []
        return [folder for folder in folders if folder.is_dir() and folder not in wanted]

    def clean(self) -> None:
        """Remove what is no longer declared. Raises RuntimeError when certbot can't delete a certificate."""
        for name in self.retired():
            output, succeeded = self.certbot(["certbot", "delete", "--non-interactive", "--cert-name", name])
            if not succeeded:
                raise RuntimeError(f"certbot could not delete {name}: {failure_reason(output)}")
        for folder in self.stale_placeholders():
            shutil.rmtree(folder)

    def failures(self, due: dict[str, str]) -> list[str]:
        """One line for each certificate that is due and could not be issued."""
        wait_seconds = self.params["retry_minutes"] * 60
        return [
            report(failure, failure.at + wait_seconds)
            for name, failure in sorted(self.state.failures.items())
            if name in due and failure.request == self.requests[name]
        ]


def converge(certificates: Certificates, check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """Bring everything to its declared state. Returns the module's result and a line for each failure."""
    due = certificates.due()
    requested = {name: reason for name, reason in due.items() if certificates.may_ask(name)}
    if not check_mode:
        for name in requested:
            certificates.issue(name)
    switched, reload_pending = certificates.switched(), certificates.state.reload_pending
    cleaned = bool(certificates.retired() or certificates.stale_placeholders())
    if not check_mode:
        certificates.switch(switched)
        certificates.clean()
    changed = bool(requested or switched or reload_pending or cleaned)
    return {"changed": changed, "requested": requested, "switched": switched}, certificates.failures(due)


def main() -> None:
    arguments = {
        "certificates": CERTIFICATES_ARGUMENT,
        "email": {"type": "str", "required": True},
        "directory_url": {"type": "str", "required": True},
        "ca_bundle": {"type": "str", "required": True},
        "webroot": {"type": "path", "required": True},
        "deploy_hook": {"type": "path", "required": True},
        "retry_minutes": {"type": "int", "required": True},
    }
    module = AnsibleModule(arguments, supports_check_mode=True)
    try:
        result, failures = converge(Certificates(module), module.check_mode)
    except subprocess.CalledProcessError as error:
        module.fail_json(msg=f"openssl could not read a certificate: {error.stderr.strip()}")
    except (OSError, ValueError, RuntimeError) as error:
        module.fail_json(msg=f"Could not put the certificates in use: {error}")
    if failures and not module.check_mode:
        message = "These certificates could not be issued; their sites keep the certificate they had:\n"
        module.fail_json(msg=message + "\n".join(failures), **result)
    for failure in failures:
        module.warn(failure)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
