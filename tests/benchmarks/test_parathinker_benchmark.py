"""ParaThinker's benchmark on a fake engine, whose threads cost each other nothing."""

from __future__ import annotations

from benchmarks.parathinker import HEADERS, THREADS, compare
from engines import FakeEngine
from tests.backends import run_virtually

TOKENS = 64


def test_threads_and_summary_are_told_apart() -> None:
    async def main() -> list[list[str]]:
        engine = FakeEngine("x" * 1000, seconds_per_token=1)
        return await compare(engine, TOKENS, repeats=2)

    one, given, longest = run_virtually(main)
    assert len(one) == len(given) == len(HEADERS)
    assert one[1:] == ["64.000", "1.000", "0.000", "64.000", "1.000", "-"]
    assert given[0] == f"{THREADS} threads, given"
    assert given[1:6] == longest[1:6] == ["64.000", "1.000", "16.000", "80.000", "1.250"]
    # The thread that is gone on from is in the cache.
    assert int(longest[6].split("/")[0]) >= int(given[6].split("/")[0]) + TOKENS - 16
