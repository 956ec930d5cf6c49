"""Room on the disk for one more release."""

from pathlib import Path

import pytest
from ansible.module_utils.roost_app.errors import ReleaseError
from ansible.module_utils.roost_app.paths import AppPaths
from ansible.module_utils.roost_app.room import MEBIBYTE, Space, free_at, lack, refuse_without_room, taken_by


@pytest.mark.parametrize(
    ("free_mb", "free_inodes", "live", "told"),
    [
        (501, 20_000, Space(0, 0), ""),
        (499, 20_000, Space(0, 0), "/srv has 499 MiB free, 500 MiB are needed"),
        (700, 20_000, Space(400 * MEBIBYTE, 10), ""),
        (700, 20_000, Space(600 * MEBIBYTE, 10), "/srv has 700 MiB free, 900 MiB are needed"),
        (700, 9_000, Space(0, 0), "/srv has 9000 inodes free, 10000 are needed"),
        (700, 20_000, Space(0, 20_000), "/srv has 20000 inodes free, 30000 are needed"),
    ],
)
def test_a_release_must_fit_beside_the_live_one(free_mb: int, free_inodes: int, live: Space, told: str) -> None:
    assert lack(Space(free_mb * MEBIBYTE, free_inodes), live, 500) == told


def test_a_folder_takes_what_its_files_take_and_hard_links_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_bytes(b"x" * 100_000)
    (tmp_path / "link").hardlink_to(tmp_path / "folder/file")
    (tmp_path / "symlink").symlink_to("/usr")
    taken = taken_by(tmp_path)
    assert taken.inodes == 3
    assert 100_000 <= taken.size < 200_000


def test_a_disk_is_looked_at_before_its_folders_are_made(tmp_path: Path) -> None:
    assert free_at(tmp_path / "srv" / "atlas").inodes == free_at(tmp_path).inodes
    with pytest.raises(ReleaseError, match=r"atlas: no room .* MiB are needed; nothing was built"):
        refuse_without_room(AppPaths("atlas", tmp_path), min_free_mb=10**9)
