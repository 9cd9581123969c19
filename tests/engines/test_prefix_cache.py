"""What engines without a model would have cached; what blocks of everything seen mean is in test_fake_engine."""

from __future__ import annotations

from engines.prefix_cache import PrefixCache


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = PrefixCache(block_size=2, blocks=3)
    assert [cache.add([n, n, n]) for n in (1, 2, 3, 1, 4, 1, 2)] == [0, 0, 0, 2, 0, 2, 0]
