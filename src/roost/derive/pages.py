"""Pages of an application's own that nginx shows. The source is closed to nginx, so a release has copies of them."""

import shlex

from roost.model import ResolvedApp


def pages(app: ResolvedApp) -> list[dict[str, str]]:
    """Return where the live release has them."""
    return [{"name": name, "path": f"/srv/{app.name}/current/static/{_copy(name)}"} for name in _declared(app)]


def copy_commands(app: ResolvedApp) -> list[str]:
    """Return what copies them while a release is built."""
    return [
        f'install -D --mode=644 {shlex.quote(page)} "$STATIC_ROOT/{_copy(name)}"'
        for name, page in _declared(app).items()
    ]


def _declared(app: ResolvedApp) -> dict[str, str]:
    return app.edge.pages.model_dump(exclude_none=True)


def _copy(name: str) -> str:
    return f".roost/{name}.html"
