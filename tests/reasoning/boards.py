"""Workers on a blackboard whose engine tells each what it is to write, step by step, also where it was cut in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio

from engines import Context, Engine, FakeCall, FakeEngine, ForkjoinError, Sampling, converse
from reasoning import Answer
from reasoning.collaborating.blackboard import Blackboard
from tests.backends import run_virtually

Plan = Mapping[str, Sequence[str]]
"""The steps of each worker; then it says nothing more."""

QUESTION = "Had somebody this before? "
_HEADER = re.compile(r"\*\*(\w+) \[(\d+)\]:\*\* ")
_SECONDS_PER_TOKEN = 0.125


def board_method(workers: int = 2, **options: Any) -> Blackboard:
    """A blackboard without a seed, whose workers have a few tokens each."""
    sampling = options.pop("sampling", Sampling(max_tokens=options.pop("max_tokens", 80)))
    return Blackboard(workers=workers, sampling=sampling, **options)


def own_step(context: Context) -> tuple[str, int, str]:
    """Whose call it is, the number of its step, and what it has written of that, without the question."""
    text = context.turns[-1].text
    last = list(_HEADER.finditer(text))[-1]
    written = text[last.end() :]
    question = "Before I go on: has somebody done this already (yes or no)? "
    return last[1], int(last[2]), written.removeprefix(question)


def worker_of(context: Context) -> str:
    """Who makes a call; empty for the closing."""
    names = context.path.split("/")
    return names[-2] if names[-1].startswith("call-") else ""


def engine_for(
    plan: Plan | Callable[[Context], str | ForkjoinError],
    *,
    closing: str = "42} and so on",
    slow: Mapping[str, float] | None = None,
    **options: Any,
) -> FakeEngine:
    """Tells workers their plans, a token each eighth of a second.

    Args:
        plan: What they write, behind which they would go on; or a function that says what a call says.
        closing: What is said at the end.
        slow: Seconds until the first token of a worker's calls.
        options: Of the engine.
    """

    async def script(context: Context, sampling: Sampling) -> str | ForkjoinError:
        name = worker_of(context)
        await anyio.sleep((slow or {}).get(name, 0))
        if not name:
            return closing
        if callable(plan):
            return plan(context)
        who, number, written = own_step(context)
        assert who == name
        steps = plan.get(name, ())
        if number > len(steps):
            return ""
        assert steps[number - 1].startswith(written), (steps[number - 1], written)
        return steps[number - 1][len(written) :] + "What was not asked for."

    return FakeEngine(
        script, **{"seconds_per_token": _SECONDS_PER_TOKEN, "chunk_tokens": 1, **options}
    )


async def solved(method: Blackboard, engine: Engine) -> Answer:
    """What workers come to, whose cost is the engine's own, and who leave nothing behind."""
    question = await converse(engine, [("user", "Why?")], name="root")
    with anyio.fail_after(10**6):
        answer = await method.solve(question, engine)
    statistics = await engine.statistics()
    assert statistics.running == 0
    assert answer.usage.prompt_tokens == statistics.prompt_tokens
    assert answer.usage.generated_tokens == statistics.generated_tokens
    assert 0 <= answer.critical_path <= answer.usage.generated_tokens
    assert answer.context is not None
    end = len(answer.context.token_ids) - len(answer.token_ids)
    assert answer.context.token_ids[end:] == answer.token_ids
    assert answer.text == "".join(map(chr, answer.token_ids))
    return answer


def found(method: Blackboard, engine: Engine) -> Answer:
    """The same under virtual time."""
    return run_virtually(lambda: solved(method, engine))


def calls_of(engine: FakeEngine, worker: str) -> list[FakeCall]:
    """A worker's calls in their order."""
    return [call for call in engine.calls if worker_of(call.context) == worker]


def seen(call: FakeCall) -> str:
    """What a call goes on from, in the model's turn."""
    return call.context.turns[-1].text
