import pytest

from roost.wording import age, backup_kind, moment, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (4_080_640, "3.9 MiB"),
        (1024**2 - 1, "1.0 MiB"),
        (5 * 1024**3, "5.0 GiB"),
        (3000 * 1024**4, "3000.0 TiB"),
    ],
)
def test_a_size_has_the_unit_that_suits_it(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "0 min"), (3599, "59 min"), (3600, "1 h"), (47 * 3600, "47 h"), (48 * 3600, "2 days")],
)
def test_an_age_is_never_one_day(seconds: int, text: str) -> None:
    assert age(seconds) == text


def test_a_time_without_its_zone_is_left_as_it_is() -> None:
    assert moment("2026-11-24T13:05:09Z") == "2026-11-24 13:05 UTC"
    assert moment("later") == "later"


def test_a_backups_kind_is_written_out() -> None:
    assert [backup_kind(kind) for kind in ("full", "diff", "incr")] == ["full", "differential", "incremental"]
