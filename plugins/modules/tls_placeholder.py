#!/usr/bin/python
"""Ansible module: see DOCUMENTATION."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tls_store import CERTIFICATES_ARGUMENT, TlsStore

DOCUMENTATION = """
module: tls_placeholder
short_description: Give each certificate a self-signed placeholder
description:
  - Makes, for each certificate, a self-signed placeholder (ECDSA P-256, ten years) for its domains, and the
    link through which web servers read the certificate where that link is missing or leads nowhere.
  - A link that works is left alone, so an issued certificate stays in use.
  - A certificate of the kind C(own) needs none, and gets a link only.
options:
  certificates:
    description: The certificates, each with its name, domains and kind (acme, selfsigned, own or received).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = """
- name: Give each certificate a placeholder
  tls_placeholder:
    certificates:
      - {name: atlas, domains: [atlas.example.com], kind: acme}
"""

RETURN = """
created:
  description: Names of the certificates that got a placeholder.
  type: list
  returned: always
linked:
  description: Names of the certificates that got a link.
  type: list
  returned: always
"""


def make_placeholder(folder: Path, domains: list[str]) -> None:
    """Make the self-signed certificate `folder`; it appears complete or not at all."""
    folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as scratch:
        fresh = Path(scratch) / "placeholder"
        fresh.mkdir(mode=0o700)
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        command += ["-nodes", "-days", "3650", "-subj", "/CN=Roost placeholder"]
        command += ["-addext", "subjectAltName=" + ",".join(f"DNS:{domain}" for domain in domains)]
        command += ["-keyout", str(fresh / "privkey.pem"), "-out", str(fresh / "fullchain.pem")]
        subprocess.run(command, check=True, capture_output=True, text=True)
        (fresh / "privkey.pem").chmod(0o600)
        (fresh / "fullchain.pem").chmod(0o644)
        fresh.rename(folder)


def main() -> None:
    module = AnsibleModule({"certificates": CERTIFICATES_ARGUMENT}, supports_check_mode=True)
    store = TlsStore()
    created, linked = [], []
    try:
        for certificate in module.params["certificates"]:
            name, domains = certificate["name"], certificate["domains"]
            is_own = certificate["kind"] == "own"
            folder = store.own / name if is_own else store.placeholder(name, domains)
            if not is_own and not folder.is_dir():
                created.append(name)
                if not module.check_mode:
                    make_placeholder(folder, domains)
            if not (store.links / name).exists():
                linked.append(name)
                if not module.check_mode:
                    store.point(name, folder)
    except subprocess.CalledProcessError as error:
        module.fail_json(msg=f"openssl could not make the placeholder: {error.stderr.strip()}")
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"Could not make the placeholder: {error}")
    module.exit_json(changed=bool(created or linked), created=created, linked=linked)


if __name__ == "__main__":
    main()
