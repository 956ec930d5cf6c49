"""Tells others of a deploy: Sentry, Slack, or a webhook. No message of its own holds an address or a token."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 10

type Facts = Mapping[str, str]


class NoticeError(Exception):
    """Somebody could not be told; the message holds no secret."""


def tell(notice: Mapping[str, Any], facts: Facts) -> None:
    """Send one notice. Raises NoticeError."""
    {"sentry": _tell_sentry, "slack": _tell_slack, "webhook": _tell_webhook}[notice["kind"]](notice, facts)


def sentence(facts: Facts) -> str:
    """What happened, in one line for people."""
    version = f" ({facts['ROOST_VERSION']})" if facts["ROOST_VERSION"] else ""
    what = (
        f"{facts['ROOST_APP']} {facts['ROOST_ENVIRONMENT']}: {facts['ROOST_KIND']} of {facts['ROOST_RELEASE']}{version}"
    )
    how = f"failed: {facts['ROOST_REASON']}" if facts["ROOST_REASON"] else f"is live at {facts['ROOST_URL']}"
    return f"{what} by {facts['ROOST_WHO']} {how}"


def _tell_slack(notice: Mapping[str, Any], facts: Facts) -> None:
    _post("slack", notice["url"], {"text": sentence(facts)})


def _tell_webhook(notice: Mapping[str, Any], facts: Facts) -> None:
    body = {name.removeprefix("ROOST_").lower(): value for name, value in facts.items()}
    _post("webhook", notice["url"], {**body, "text": sentence(facts)}, key=notice.get("key") or "")


def _tell_sentry(notice: Mapping[str, Any], facts: Facts) -> None:
    """Create the release with its commit, finalized, and its deploy. A release that is there already is updated."""
    if facts["ROOST_REASON"]:
        return
    headers = {"Authorization": f"Bearer {notice['token']}"}
    releases = f"{notice['url'].rstrip('/')}/api/0/organizations/{notice['organization']}/releases/"
    version = facts["ROOST_COMMIT"] or facts["ROOST_RELEASE"]
    release = {"version": version, "projects": [notice["project"]], "dateReleased": facts["ROOST_WHEN"]}
    commit = {"ref": facts["ROOST_COMMIT"]} if facts["ROOST_COMMIT"] else {}
    _post("sentry", releases, release | commit, headers=headers)
    deploy = {"environment": facts["ROOST_ENVIRONMENT"], "url": facts["ROOST_URL"], "name": facts["ROOST_RELEASE"]}
    _post("sentry", f"{releases}{version}/deploys/", deploy, headers=headers)


def _post(
    name: str, url: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None, key: str = ""
) -> None:
    data = json.dumps(body, ensure_ascii=False).encode()
    sent = {"Content-Type": "application/json", "User-Agent": "roost", **(headers or {})}
    if key:
        sent["X-Roost-Signature"] = "sha256=" + hmac.new(key.encode(), data, hashlib.sha256).hexdigest()
    if not url.startswith(("https://", "http://")):
        raise NoticeError(f"{name}: its address is no URL")
    try:
        with urlopen(Request(url, data, sent), timeout=TIMEOUT_SECONDS):  # noqa: S310 - checked above
            pass
    except HTTPError as problem:
        raise NoticeError(f"{name} answered with status {problem.code}") from None
    except (OSError, ValueError):
        raise NoticeError(f"{name} could not be reached") from None
