"""A real browser at the sites of a sandbox host: what it shows, and all that it complains of."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from roost.sandbox.packages import find_command
from tests.support.hosts import Host
from tests.support.project import REPOSITORY

SCREENSHOTS = REPOSITORY / ".cache" / "screenshots"
OPTIONS = (
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * 127.0.0.1",
)

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
EDGE = {"headers": {"content_security_policy": POLICY}}
# Next.js puts scripts into its pages.
EDGE_OF_NEXT = {"headers": {"content_security_policy": f"{POLICY}; script-src 'self' 'unsafe-inline'"}}


@contextmanager
def browser_at(host: Host, folder: Path) -> Iterator[Browser]:
    """Start a browser that finds every site at this host; what it needs is put into the folder.

    It runs in the network of the host: in that of this machine it would drop its connections whenever another host of
    the tests comes or goes.
    """
    chromium = find_command("chromium")
    assert chromium is not None, "scripts/test installs it"
    [container] = docker.from_env().containers.list(filters={"label": f"roost.sandbox.address={host.address}"})
    program = folder / "chromium"
    program.write_text(
        f'#!/bin/sh\nexec nsenter --net=/proc/{container.attrs["State"]["Pid"]}/ns/net {chromium} "$@"\n'
    )
    program.chmod(0o755)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, url: str, picture: str) -> Iterator[Page]:
    """Open a page, which must have styles and a policy, and picture it at the end.

    Fails if the browser complained of anything meanwhile.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def look(response: Response) -> None:
        if response.status >= 400:
            complaints.append(f"status {response.status} of {response.url}")

    # The certificates sign themselves.
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", look)
        answer = page.goto(url)
        assert answer is not None
        assert "content-security-policy" in answer.headers
        assert page.evaluate("[...document.styleSheets].some((sheet) => sheet.cssRules.length > 0)")
        yield page
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{picture}.png", full_page=True)
    assert complaints == [], complaints


def refuses_foreign_scripts(page: Page) -> bool:
    """Tell whether the page's policy keeps a script from being run that somebody slipped into it."""
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.slipped = true'}))"
    )
    return page.evaluate("window.slipped") is None
