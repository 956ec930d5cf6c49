#!/usr/bin/python
"""Ansible module: see DOCUMENTATION."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.acme import (
    BUSY,
    WEBROOT,
    Challenges,
    Failure,
    Lineage,
    Request,
    account_command,
    certbot_command,
    due_reason,
    failure_reason,
    read_lineage,
    report,
    retry_at,
)
from ansible.module_utils.acme_probe import obstacle, unresolved
from ansible.module_utils.acme_state import State
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tls_store import CERTIFICATES_ARGUMENT, TlsStore

DOCUMENTATION = """
module: acme_certificates
short_description: Issue the certificates that are due and put them in use
description:
  - Asks the certificate authority, through certbot, for each certificate of kind C(acme) that is missing,
    expired, or was issued for other domains, by another authority, to an account that is gone, with another kind of
    key or by another kind of challenge. Renewal is certbot's own timer.
  - Before that, it asks the DNS for each domain and fetches a file from it through port 80, unless I(preflight) is
    false.
  - Then points each certificate's link at the issued certificate, or at the placeholder where there is none,
    and runs I(refresh). When that fails, the links are put back.
  - A certificate that can't be issued doesn't hold up the others; the module fails at the end and names it.
    The same request isn't sent again before I(retry_minutes) have passed, and within an hour no certificate is asked
    for again once three attempts have failed.
  - Tells the authority when I(email) has changed.
  - Certificates that are no longer declared are removed, from certbot too if this module issued them.
options:
  certificates:
    description: The certificates, each with its name, domains and kind (acme, selfsigned, own or received).
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
  dns_plugin:
    description: certbot's plugin, without C(dns-), for certificates whose I(challenge) is C(dns).
    type: str
    required: true
  dns_credentials:
    description: The file with that plugin's settings.
    type: path
    required: true
  dns_propagation_seconds:
    description: Seconds until all DNS servers know a record that the plugin has made.
    type: int
    required: true
  preflight:
    description: Whether to try out challenges before the authority does.
    type: bool
    required: true
  refresh:
    description: Program that makes the web server load the certificates, and says C(reloaded) if it did.
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
    dns_plugin: ""
    dns_credentials: /etc/roost/acme-dns.ini
    dns_propagation_seconds: 60
    preflight: true
    refresh: /usr/local/lib/roost/tls-refresh
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

CERTBOT_TIMEOUT_SECONDS = 300
BUSY_ATTEMPTS = 12
BUSY_PAUSE_SECONDS = 5
NOT_SHARED = 3
"""What the program to refresh ends with if only the certificates of another web host couldn't be had."""


class Certificates:
    """One run of the module."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params = module.params
        self.store = TlsStore()
        self.state = State.load()
        self.obstacles: dict[str, str] = {}
        self.declared = {entry["name"]: entry for entry in self.params["certificates"]}
        self.requests = {
            name: Request(
                name,
                tuple(entry["domains"]),
                self.params["directory_url"],
                entry["key_type"],
                WEBROOT if entry["challenge"] == "http" else f"dns-{self.params['dns_plugin']}",
            )
            for name, entry in self.declared.items()
            if entry["kind"] == "acme"
        }

    def accounts(self) -> set[str]:
        """The accounts that certbot has at the authority."""
        folder = self.store.live.parent / "accounts" / self.params["directory_url"].removeprefix("https://")
        return {file.parent.name for file in folder.glob("*/private_key.json")}

    def due(self) -> dict[str, str]:
        """The certificates that aren't as declared, each with the reason."""
        now, accounts = time.time(), self.accounts()
        reasons = {
            name: due_reason(request, self.lineage(name), accounts, now) for name, request in self.requests.items()
        }
        return {name: reason for name, reason in reasons.items() if reason}

    def asks_again_at(self, name: str) -> float | None:
        """Until when not to ask, since it was in vain just now; None if the certificate may be asked for."""
        request, failure = self.requests[name], self.state.failures.get(name)
        wait_seconds = self.params["retry_minutes"] * 60
        return retry_at(failure, request, self.state.failed_at.get(name, []), wait_seconds, time.time())

    def is_ready(self, name: str, check_mode: bool) -> bool:
        """Whether the challenge would succeed, as far as can be told; what is in its way is kept for the report."""
        request = self.requests[name]
        if request.authenticator == WEBROOT and self.params["preflight"]:
            webroot = Path(self.params["webroot"])
            found = unresolved(request.domains) if check_mode else obstacle(request.domains, webroot)
            if found:
                self.obstacles[name] = found
        return name not in self.obstacles

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
        """Ask for one certificate, and remember the failure."""
        request, is_registered = self.requests[name], bool(self.accounts())
        self.state.asked = sorted({*self.state.asked, name})
        self.state.save()
        challenges = Challenges(
            self.params["webroot"], self.params["dns_credentials"], self.params["dns_propagation_seconds"]
        )
        output, succeeded = self.certbot(certbot_command(request, self.params["email"], challenges))
        if succeeded:
            self.state.succeeded(name)
            if not is_registered:
                self.state.emails.pop(request.server, None)
        else:
            self.state.failed(Failure(request, time.time(), failure_reason(output)))
        self.state.save()

    def email_changed(self) -> bool:
        """Whether the account at the authority has another address than the declared one."""
        known = self.state.emails.get(self.params["directory_url"], self.params["email"])
        return known != self.params["email"] and bool(self.accounts())

    def remember_email(self) -> None:
        """Note the address with which the account was registered, unless that is known."""
        if self.accounts() and self.params["directory_url"] not in self.state.emails:
            self.state.emails[self.params["directory_url"]] = self.params["email"]
            self.state.save()

    def change_email(self) -> str | None:
        """Tell the authority the declared address. Returns the reason if that failed."""
        server, email = self.params["directory_url"], self.params["email"]
        output, succeeded = self.certbot(account_command(server, email))
        if not succeeded:
            return f"The account at {server} keeps its e-mail address: {failure_reason(output)}"
        self.state.emails[server] = email
        self.state.save()
        return None

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
        return {name: self.target(name) for name in self.declared}

    def target(self, name: str) -> Path:
        entry = self.declared[name]
        if entry["kind"] == "own":
            return self.store.own / name
        found = self.store.issued(name) if entry["kind"] == "acme" else None
        if entry["kind"] == "received":
            found = next((folder for folder in self.received() if folder == self.store.current().get(name)), None)
        return found or self.store.placeholder(name, entry["domains"])

    def received(self) -> list[Path]:
        """The folders of certificates that were fetched from another host."""
        return list(self.store.received.iterdir()) if self.store.received.is_dir() else []

    def stale_received(self) -> list[Path]:
        """Those that no link leads to any more."""
        return [folder for folder in self.received() if folder not in self.store.current().values()]

    def switched(self) -> list[str]:
        """Names whose link isn't as it must be."""
        current, targets = self.store.current(), self.targets()
        return sorted(name for name in current | targets if current.get(name) != targets.get(name))

    def switch(self, names: list[str]) -> bool:
        """Put the links right and have the web server load what it doesn't serve yet. Returns whether it had to.

        Raises RuntimeError if it refuses; the links are put back then.
        """
        before, targets = self.store.current(), self.targets()
        self.point(names, targets)
        refresh = subprocess.run([self.params["refresh"]], capture_output=True, text=True, check=False)
        reason = (refresh.stderr or refresh.stdout).strip()
        if refresh.returncode == NOT_SHARED:
            raise RuntimeError(reason)
        if refresh.returncode != 0:
            self.point(names, before)
            raise RuntimeError(f"the web server refused, so the certificates were put back: {reason}")
        return "reloaded" in refresh.stdout

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
        wanted = {
            self.store.placeholder(name, entry["domains"])
            for name, entry in self.declared.items()
            if entry["kind"] != "own"
        }
        folders = self.store.placeholders.iterdir() if self.store.placeholders.is_dir() else []
        return [folder for folder in folders if folder.is_dir() and folder not in wanted]

    def clean(self) -> None:
        """Remove what is no longer declared. Raises RuntimeError when certbot can't delete a certificate."""
        for name in self.retired():
            output, succeeded = self.certbot(["certbot", "delete", "--non-interactive", "--cert-name", name])
            if not succeeded:
                raise RuntimeError(f"certbot could not delete {name}: {failure_reason(output)}")
        for folder in [*self.stale_placeholders(), *self.stale_received()]:
            shutil.rmtree(folder)

    def failures(self, due: dict[str, str]) -> list[str]:
        """One line for each certificate that is due and could not be issued."""
        lines = [f"{name}: {text} No attempt was made." for name, text in self.obstacles.items()]
        for name, failure in self.state.failures.items():
            if name in due and name not in self.obstacles:
                again = self.asks_again_at(name)
                if again or failure.request == self.requests[name]:
                    lines.append(report(failure, again))
        return sorted(lines)


def converge(certificates: Certificates, check_mode: bool) -> tuple[dict[str, Any], list[str]]:
    """Bring everything to its declared state. Returns the module's result and a line for each failure."""
    due = certificates.due()
    requested = {
        name: reason
        for name, reason in due.items()
        if certificates.asks_again_at(name) is None and certificates.is_ready(name, check_mode)
    }
    email_changed, reloaded, failures = certificates.email_changed(), False, []
    if not check_mode:
        if email_changed:
            failures += filter(None, [certificates.change_email()])
        for name in requested:
            certificates.issue(name)
        certificates.remember_email()
    switched = certificates.switched()
    cleaned = bool(certificates.retired() or certificates.stale_placeholders() or certificates.stale_received())
    if not check_mode:
        reloaded = certificates.switch(switched)
        certificates.clean()
    changed = bool(requested or switched or reloaded or email_changed or cleaned)
    return {"changed": changed, "requested": requested, "switched": switched}, failures + certificates.failures(due)


def main() -> None:
    arguments = {
        "certificates": CERTIFICATES_ARGUMENT,
        "email": {"type": "str", "required": True},
        "directory_url": {"type": "str", "required": True},
        "ca_bundle": {"type": "str", "required": True},
        "webroot": {"type": "path", "required": True},
        "dns_plugin": {"type": "str", "required": True},
        "dns_credentials": {"type": "path", "required": True},
        "dns_propagation_seconds": {"type": "int", "required": True},
        "preflight": {"type": "bool", "required": True},
        "refresh": {"type": "path", "required": True},
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
