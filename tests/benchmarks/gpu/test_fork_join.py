"""Scripted blocks beside one thread, on a fake engine in which width costs nothing."""

from __future__ import annotations

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.parts.fork_join import Block, block_of, forked, measure
from engines import FakeEngine, single_error
from reasoning import Answer
from reasoning.forking.block_format import format_problem
from reasoning.forking.dialect import THREADWEAVER
from tests.backends import run_virtually
from tests.benchmarks.gpu.settings import setting_of

# Of each call, in seconds.
LATENCY = 100


def measured(engine: FakeEngine) -> list[Figure]:
    setting = setting_of(engine)

    async def main() -> list[Figure]:
        with single_error():
            return await measure(setting)

    return run_virtually(main)


def test_where_width_costs_nothing_the_ideal_is_reached() -> None:
    two, four = measured(FakeEngine("x" * 10_000, seconds_per_token=1))
    for width, figure in ((2, two), (4, four)):
        assert figure.value == pytest.approx(1)
        assert figure.reached
        assert figure.data["seconds"] == [figure.data["critical_path"]]
        assert figure.data["seconds_alone"] == [figure.data["total"]]
        assert figure.what.startswith(f"ForkJoin, {width} threads")
    assert four.data["ideal"] > two.data["ideal"] > 1


def test_calls_one_after_another_cost_their_latency() -> None:
    for figure in measured(FakeEngine("x" * 10_000, latency=LATENCY, seconds_per_token=1)):
        total, path = figure.data["total"], figure.data["critical_path"]
        # The outlines, the threads side by side, and the conclusion.
        assert figure.data["seconds"] == [path + 3 * LATENCY]
        speedup = (total + LATENCY) / (path + 3 * LATENCY)
        assert figure.value == pytest.approx(speedup / (total / path))


def test_a_block_is_written_with_as_many_threads_as_scripted() -> None:
    engine = FakeEngine("x" * 10_000)

    async def main() -> tuple[Block, Answer]:
        block = await block_of(engine, 5, sentences=2)
        return block, await forked(engine, block, "some name")

    block, answer = run_virtually(main)
    assert [branch.path for branch in answer.branches] == [
        f"some name/block-1/thread-{number}" for number in range(1, 6)
    ]
    assert format_problem(answer.text, THREADWEAVER) is None
    assert answer.text.count(block.thought) == 5
    assert (answer.critical_path, answer.usage.generated_tokens) == (block.path, block.total)
    assert block.ideal == answer.parallel_ratio
    # Nothing is found in the cache that another run has put there.
    assert engine.calls[0].context.turns[0].text.startswith("some name")


@pytest.mark.parametrize("written", [300, 1000])
def test_what_is_too_short_is_found_out(written: int) -> None:
    with pytest.raises(Mismeasured, match="tokens"):
        measured(FakeEngine("x" * written, seconds_per_token=1))
