from __future__ import annotations

import hashlib
from collections.abc import Callable

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Sampling,
    Usage,
    UsageError,
    converse,
)
from reasoning import (
    Answer,
    ChainOfThought,
    First,
    Majority,
    NoCandidates,
    ParaThinker,
    PromptEnsemble,
    SelfConsistency,
    Synthesise,
)
from reasoning.best_of_n import BestOfN
from reasoning.branching import MOST_BRANCHES
from reasoning.deepconf import DeepConf
from tests.backends import run_virtually

SEEDED = ChainOfThought(sampling=Sampling(seed=1))


async def same_text(first: str, second: str) -> bool:
    return first == second


VOTE = Majority(equality=same_text)


def sample_number(context: Context) -> int:
    return int(context.path.rpartition("-")[2])


async def question(engine: FakeEngine, text: str = "What is 2 + 2?") -> Context:
    return await converse(engine, [("system", "Be brief."), ("user", text)], name="root")


@pytest.mark.anyio
async def test_chain_of_thought_asks_once_and_finds_the_answer() -> None:
    engine = FakeEngine(r"Two and two: \boxed{4}")
    root = await question(engine)
    answer = await SEEDED.solve(root, engine)
    (call,) = engine.calls
    assert call.context.lineage[: len(root.lineage)] == root.lineage
    assert [turn.role for turn in call.context.turns] == ["system", "user", "assistant"]
    assert call.context.turns[1].text.startswith("What is 2 + 2?\n\nThink step by step.")
    assert call.sampling.seed == Sampling(seed=1).for_branch("root").seed
    assert (answer.value, answer.truncated) == ("4", False)
    assert answer.context is not None
    assert answer.context.token_ids[: len(root.token_ids)] == root.token_ids
    assert answer.critical_path == answer.usage.generated_tokens == len(answer.text)


@pytest.mark.anyio
async def test_a_thought_cut_by_its_limit_says_so() -> None:
    engine = FakeEngine("a long thought")
    method = ChainOfThought(sampling=Sampling(max_tokens=3))
    answer = await method.solve(await question(engine), engine)
    assert answer.truncated
    assert answer.value is None


@pytest.mark.anyio
async def test_chain_of_thought_works_on_a_text_only_engine() -> None:
    engine = FakeEngine("The answer is 4.", text_only=True)
    assert (await SEEDED.solve(await question(engine), engine)).value == "4"


@pytest.mark.anyio
async def test_samples_fork_the_question_and_share_its_cache() -> None:
    engine = FakeEngine("The answer is 4.", block_size=16)
    root = await question(engine, "x" * 200)
    answer = await SelfConsistency(samples=5, method=SEEDED).solve(root, engine)
    # Trio starts tasks in no fixed order.
    paths = sorted(call.context.path for call in engine.calls)
    assert paths == [f"root/sample-{i}" for i in range(5)]
    assert all(root in call.context.lineage for call in engine.calls)
    whole_blocks = len(root.token_ids) // 16 * 16
    cached = sorted(candidate.usage.cached_tokens or 0 for candidate in answer.candidates)
    assert cached[0] == 0
    assert cached[1] >= whole_blocks


@pytest.mark.anyio
async def test_samples_have_different_seeds() -> None:
    engine = FakeEngine("The answer is 4.")
    await SelfConsistency(samples=8, method=SEEDED).solve(await question(engine), engine)
    assert len({call.sampling.seed for call in engine.calls}) == 8


def solve_with_latencies(latency: Callable[[Context], float], samples: int = 6) -> Answer:
    """Replies depend on the seed only, and come after `latency`."""

    async def script(context: Context, sampling: Sampling) -> str:
        await anyio.sleep(latency(context))
        digit = hashlib.sha256(str(sampling.seed).encode()).digest()[0] % 3
        return f"sample {context.path}: the answer is {digit}"

    async def main() -> Answer:
        engine = FakeEngine(script)
        method = SelfConsistency(samples=samples, method=SEEDED, reducer=VOTE)
        return await method.solve(await question(engine), engine)

    return run_virtually(main)


@given(st.lists(st.integers(0, 3600), min_size=6, max_size=6))
def test_the_same_seeds_give_the_same_answer_whichever_sample_ends_first(
    latencies: list[int],
) -> None:
    def told(answer: Answer) -> tuple[str | None, list[str]]:
        return answer.value, [candidate.text for candidate in answer.candidates]

    shuffled = solve_with_latencies(lambda context: latencies[sample_number(context)])
    assert told(shuffled) == told(solve_with_latencies(lambda context: 0))


def test_samples_run_at_the_same_time() -> None:
    async def main() -> float:
        engine = FakeEngine("The answer is 4.", latency=60)
        await SelfConsistency(samples=8, reducer=VOTE).solve(await question(engine), engine)
        return anyio.current_time()

    assert run_virtually(main) == 60


@pytest.mark.anyio
async def test_one_failed_sample_leaves_the_others() -> None:
    def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        number = sample_number(context)
        return EngineUnavailable("busy") if number == 1 else f"the answer is {number}"

    engine = FakeEngine(script)
    method = SelfConsistency(samples=3, reducer=First())
    answer = await method.solve(await question(engine), engine)
    assert [candidate.value for candidate in answer.candidates] == ["0", "2"]


@pytest.mark.anyio
async def test_when_all_samples_fail_the_first_reason_is_told() -> None:
    engine = FakeEngine(lambda context, sampling: EngineUnavailable(f"busy at {context.path}"))
    with pytest.raises(
        NoCandidates, match="all 3 samples failed, the first: busy at root/sample-0"
    ):
        await SelfConsistency(samples=3).solve(await question(engine), engine)


@pytest.mark.anyio
async def test_a_bug_in_one_sample_is_no_failed_sample() -> None:
    def script(context: Context, sampling: Sampling) -> str:
        raise KeyError("oops")

    engine = FakeEngine(script)
    with pytest.raises(KeyError, match="oops"):
        await SelfConsistency(samples=2).solve(await question(engine), engine)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.booleans())
def test_the_usage_is_that_of_all_calls_and_the_path_that_of_the_longest(
    lengths: list[int], asks_again: bool
) -> None:
    def script(context: Context, sampling: Sampling) -> str:
        if context.path.endswith("synthesise"):
            return "y" * 7
        return "x" * lengths[sample_number(context)]

    async def main() -> tuple[Answer, FakeEngine, int, int]:
        engine = FakeEngine(script)
        method = SelfConsistency(samples=len(lengths), reducer=Synthesise() if asks_again else VOTE)
        answer = await method.solve(await question(engine), engine)
        statistics = await engine.statistics()
        return answer, engine, statistics.prompt_tokens, statistics.generated_tokens

    answer, engine, prompt_tokens, generated_tokens = run_virtually(main)
    extra = 7 if asks_again else 0
    assert answer.usage.prompt_tokens == prompt_tokens
    assert answer.usage.generated_tokens == generated_tokens == sum(lengths) + extra
    assert prompt_tokens == sum(len(call.context.token_ids) for call in engine.calls)
    assert answer.critical_path == max(lengths) + extra <= answer.usage.generated_tokens


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda width: SelfConsistency(samples=width), "self-consistency with {} samples"),
        (lambda width: BestOfN(samples=width), "best-of-n with {} samples"),
        (lambda width: ParaThinker(threads=width), "ParaThinker with {} threads"),
        (lambda width: DeepConf(samples=width), "deepconf with {} samples"),
        (lambda width: PromptEnsemble(prompts=width), "an ensemble of {} prompts"),
    ],
)
def test_none_or_more_than_fit_into_one_answer_are_refused(
    build: Callable[[int], object], told: str
) -> None:
    build(MOST_BRANCHES)
    for width, problem in [
        (-1, f"{told.format(-1)}: at least 1 is needed"),
        (0, f"{told.format(0)}: at least 1 is needed"),
        (10_001, f"{told.format('10,001')}: at most 10,000 fit into one answer"),
        (10**9, f"{told.format('1,000,000,000')}: at most 10,000 fit into one answer"),
    ]:
        with pytest.raises(UsageError) as refused:
            build(width)
        assert str(refused.value) == problem


@pytest.mark.anyio
async def test_methods_nest() -> None:
    engine = FakeEngine("the answer is 4")
    inner = SelfConsistency(samples=2, method=SEEDED, reducer=VOTE)
    outer = SelfConsistency(samples=3, method=inner, reducer=VOTE)
    answer = await outer.solve(await question(engine), engine)
    paths = {call.context.path for call in engine.calls}
    assert paths == {f"root/sample-{i}/sample-{j}" for i in range(3) for j in range(2)}
    assert len({call.sampling.seed for call in engine.calls}) == 6
    assert answer.value == "4"
    assert answer.usage == sum((c.usage for c in answer.candidates), Usage())
