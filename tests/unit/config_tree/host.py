"""A host for the tests of config_tree: two directories, and the module's own code run on them."""

import base64
import json
import os
import stat
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.config_tree.errors import TreeError
from ansible.module_utils.config_tree.run import Settings, run
from ansible.module_utils.config_tree.settle import settle
from ansible.module_utils.config_tree.state import State
from ansible.module_utils.config_tree.tree import decode_payload

USER, GROUP = str(os.geteuid()), str(os.getegid())
REFUSE = ("sh", "-c", "echo no good; exit 3")


def file(content: str = "", mode: int = 0o644, secret: bool = False, topic: str = "reload") -> dict[str, Any]:
    return {"content": content, "mode": mode, "secret": secret, "topic": topic, "owner": USER, "group": GROUP}


def directory(mode: int = 0o755) -> dict[str, Any]:
    return {"mode": mode, "topic": "reload", "owner": USER, "group": GROUP}


def pack(tree: dict[str, Any]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(tree).encode())).decode()


class Host:
    """`root` is what the trees are written to."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.state = State(str(folder / "lib" / "config_tree"), "demo")
        self.root.mkdir(parents=True)
        (folder / "lib").mkdir()

    def apply(
        self,
        files: dict[str, dict[str, Any] | str] | None = None,
        *,
        directories: dict[str, dict[str, Any]] | None = None,
        links: dict[str, str] | None = None,
        absent: Sequence[str] = (),
        check: bool = False,
        **settings: Any,
    ) -> dict[str, Any]:
        """Run the module; a file that is given as text has the default settings."""
        entries = {path: file(entry) if isinstance(entry, str) else entry for path, entry in (files or {}).items()}
        payload = pack(
            {
                "files": [{"path": path, **entry} for path, entry in entries.items()],
                "directories": [{"path": path, **entry} for path, entry in (directories or {}).items()],
                "links": [{"path": p, "target": t, "topic": "reload"} for p, t in (links or {}).items()],
                "absent": list(absent),
            }
        )
        tree = decode_payload(payload, str(self.root), check)
        return run(tree, self.state, Settings(check_mode=check, show_differences=True, **settings))

    def settle(self) -> list[str]:
        return settle(self.state)

    def put(self, path: str, content: str = "", mode: int = 0o644) -> Path:
        """Put a file there that is none of the tree's."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        place.chmod(mode)
        return place

    def files(self) -> dict[str, str]:
        """Return the contents of all regular files."""
        return {
            str(path.relative_to(self.root)): path.read_text()
            for path in self.root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    def snapshot(self) -> dict[str, tuple[Any, ...]]:
        """Return all that can be seen of the host, staged leftovers included."""
        return {str(path.relative_to(self.root)): describe(path) for path in self.root.rglob("*")}

    def state_snapshot(self) -> dict[str, tuple[Any, ...]]:
        folder = Path(self.state.directory).parent.parent
        return {str(path.relative_to(folder)): describe(path) for path in folder.rglob("*")}


def describe(path: Path) -> tuple[Any, ...]:
    """Return kind, mode, owner and content; and when a file was written."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return ("link", status.st_uid, str(path.readlink()))
    if stat.S_ISDIR(status.st_mode):
        return ("directory", status.st_mode, status.st_uid, status.st_gid)
    return ("file", status.st_mode, status.st_uid, status.st_gid, path.read_bytes(), status.st_mtime_ns)


def without_times(snapshot: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {path: entry[:5] for path, entry in snapshot.items()}


_CHANGING = ("mkdir", "rename", "unlink", "rmdir", "symlink", "chown", "fchown", "chmod", "fchmod", "utime", "fsync")


class Killed(BaseException):
    """Stands for SIGKILL: from here on no change of the file system is possible, so no clean-up has any effect."""


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Run `action`, killed just before its change number `step`; tell whether it came to that.

    Changes are calls that make, change, remove or sync something in the file system.
    """
    left = step

    def counting(call: Callable[..., Any], counts: Callable[..., bool]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if counts(*args):
                left -= 1
                if left <= 0:
                    raise Killed
            return call(*args, **kwargs)

        return wrapper

    with pytest.MonkeyPatch.context() as patch:
        for name in _CHANGING:
            patch.setattr(os, name, counting(getattr(os, name), lambda *_: True))
        patch.setattr(os, "open", counting(os.open, lambda *args: bool(args[1] & os.O_CREAT)))
        try:
            action()
        except Killed:
            return True
        except TreeError:
            return False
    return False
