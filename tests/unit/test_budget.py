"""How the connections of PostgreSQL are shared among applications, with and without a pooler."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.budget import (
    CONNECTION_RESERVE,
    SMALLEST_POOL,
    Connections,
    connections_allowed,
    connections_needed,
    pool_sizes,
)
from roost.model import POOL_SIZE, ResolvedPooler

_poolers = st.none() | st.builds(
    ResolvedPooler, st.sampled_from(["transaction", "session"]), st.none() | st.integers(1, 90)
)
_apps = st.lists(
    st.builds(Connections, st.uuids().map(str), st.integers(1, 200), st.integers(0, 40), _poolers), min_size=1
)
SHARED = ResolvedPooler("transaction", None)


@given(_apps, st.none() | st.integers(20, 5000))
def test_all_pools_and_the_reserve_fit_into_what_postgresql_allows(
    apps: list[Connections], declared: int | None
) -> None:
    limit = connections_allowed(apps, declared)
    if connections_needed(apps) > limit:
        return
    sizes = pool_sizes(apps, limit)
    assert sum(sizes.values()) + CONNECTION_RESERVE <= limit
    for count in apps:
        assert count.needed <= sizes[count.app] <= count.useful <= count.opened


@given(_apps)
def test_without_a_limit_each_gets_all_that_is_useful(apps: list[Connections]) -> None:
    assert pool_sizes(apps, connections_allowed(apps, None)) == {count.app: count.useful for count in apps}


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        (CONNECTION_RESERVE + 2 * SMALLEST_POOL + 8, {"small": 7, "large": POOL_SIZE - 9, "direct": 0}),
        (CONNECTION_RESERVE + 2 * SMALLEST_POOL, {"small": SMALLEST_POOL, "large": SMALLEST_POOL, "direct": 0}),
    ],
)
def test_what_one_has_no_use_for_goes_to_the_others(limit: int, sizes: dict[str, int]) -> None:
    apps = [Connections("small", 7, 0, SHARED), Connections("large", 300, 9, SHARED), Connections("direct", 0, 0)]
    assert pool_sizes(apps, limit) == sizes
