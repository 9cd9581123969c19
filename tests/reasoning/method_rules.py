"""What every method is held to: the engine that tells it things, the methods there are, alone and inside each other."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import anyio
import pytest

from engines import (
    Choice,
    Context,
    Engine,
    EngineError,
    FakeEngine,
    JsonSchema,
    Logprob,
    Sampling,
    Scripted,
    TokenLogprobs,
    converse,
)
from engines.fake_workers import ScriptedWorkers
from reasoning import Answer, Blackboard, ChainOfThought, Method, SelfConsistency
from reasoning.catalogue import METHODS
from reasoning.equality import Rules

T = TypeVar("T")
Build = Callable[[Sampling], Method]

_FORKS = (
    "<Parallel>\n<Goal>\n<Outline>\n1: one side\n</Outline>\n<Outline>\n2: the other\n</Outline>\n</Goal>",
    "<Parallel>\n<Outlines>\n<Outline>1: one side</Outline><Outline>2: the other</Outline>\n</Outlines>",
    "<Parallel><Goal><Outline>1: a</Outline><Outline>1: a</Outline></Goal></Parallel>",
)


def every_method() -> Mapping[str, Build]:
    """Each method of the catalogue by its name; each inside a vote; and a vote inside of each that has a method."""
    found: dict[str, Build] = {}
    for name, build in METHODS.items():
        found[name] = build
        found[f"self-consistency of {name}"] = _voting_on(build)
        if any(field.name == "method" for field in fields(build(Sampling()))):  # type: ignore[arg-type]
            found[f"{name} of self-consistency"] = _holding_a_vote(build)
    return found


def goes_by_time(method: object) -> bool:
    """Whether what is said depends on who was first: workers read whatever is on their board by then."""
    inner = getattr(method, "method", None)
    return isinstance(method, Blackboard) or (inner is not None and goes_by_time(inner))


def comparing_at_sight() -> Iterator[None]:
    """A fixture: compares texts only and starts no threads, since a virtual clock waits for neither."""

    def same(first: str, second: str, rules: Rules) -> bool:
        return first.strip() == second.strip()

    async def at_once(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        return function(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reasoning.equality.mathematics.decided_at_sight", same)
        patch.setattr("anyio.to_thread.run_sync", at_once)
        yield


def said(context: Context, sampling: Sampling) -> Scripted | ScriptedWorkers:
    """Something that depends on the whole context and on the seed, as likely as it happens to be."""
    digest = hashlib.sha256(repr((context.turns, sampling.seed)).encode()).digest()
    if sampling.collaboration is not None:
        return _said_by(len(sampling.collaboration.workers), digest)
    text = _text(digest, sampling)
    if sampling.logprobs is None:
        return Scripted(text)
    places = [_place(character, digest[i % 32] / 64) for i, character in enumerate(text)]
    if digest[31] == 0 and places:
        # A model that is broken.
        places[0] = TokenLogprobs(Logprob(text[0], math.nan))
    return Scripted(text, places)


def moody_engine(mood: int, *, failing: bool = False, **options: Any) -> FakeEngine:
    """Takes another time for every call, and another one in every mood; fails some calls if told to."""

    async def script(
        context: Context, sampling: Sampling
    ) -> Scripted | ScriptedWorkers | EngineError:
        digest = hashlib.sha256(f"{mood}:{context.path}".encode()).digest()
        await anyio.sleep(digest[0])
        return EngineError("lost") if failing and digest[1] < 60 else said(context, sampling)

    return FakeEngine(script, seconds_per_token=0.25, chunk_tokens=16, **options)


# Of a method inside of another, or around one.
_FEW = {"samples": 4, "warm_up": 2, "width": 4}


def seeded(seed: int) -> Sampling:
    return Sampling(seed=seed, max_tokens=300)


async def solved(build: Build, engine: Engine, seed: int = 7) -> Answer:
    """What a method makes of a question, after a history. The seed is all that its engine's words depend on."""
    asked = await converse(
        engine,
        [
            ("system", "Be brief."),
            ("user", "Hello. I have questions."),
            ("assistant", "Ask."),
            ("user", "Tom has 3 pens. Ann has 4 pens. How many have both?"),
        ],
        name="root",
    )
    return await build(seeded(seed)).solve(asked, engine)


def essence(answer: Answer) -> object:
    """An answer without what depends on time: how far those were that were not needed, and who filled the cache."""
    return (
        answer.text,
        answer.value,
        answer.token_ids,
        answer.truncated,
        [
            (branch.path, branch.status, branch.answer and essence(branch.answer))
            for branch in answer.branches
            if branch.status != "cancelled"
        ],
    )


def _narrow(method: Any) -> Any:
    """The same with few threads: how many there are at once is shown by the methods alone, that they nest by a few."""
    known = {field.name for field in fields(method)}
    return replace(method, **{name: few for name, few in _FEW.items() if name in known})


def _voting_on(build: Build) -> Build:
    return lambda sampling: SelfConsistency(samples=2, method=_narrow(build(sampling)))


def _holding_a_vote(build: Build) -> Build:
    def built(sampling: Sampling) -> Method:
        vote = SelfConsistency(samples=2, method=ChainOfThought(sampling=sampling))
        return replace(_narrow(build(sampling)), method=vote)  # type: ignore[no-any-return]

    return built


def _place(character: str, surprise: float) -> TokenLogprobs:
    chosen = Logprob(character, -surprise, ord(character))
    return TokenLogprobs(chosen, (chosen, Logprob("?", -8 + surprise, ord("?"))))


def _said_by(workers: int, digest: bytes) -> ScriptedWorkers:
    """A text for each, which some of them end with an answer and some with no step."""
    texts = []
    for number in range(workers):
        own = digest[number % 16 :]
        answer = f"so \\boxed{{{own[1] % 4}}}" if own[2] % 4 == 0 else ""
        steps = "Then.\n\n" * (own[3] % 3)
        texts.append(f"{'well. ' * (own[0] % 9)}{steps}on {answer}.\n\n")
    return ScriptedWorkers(tuple(texts), closing=f"{digest[4] % 4}}}" if digest[5] % 3 else "?")


def _text(digest: bytes, sampling: Sampling) -> str:
    if isinstance(sampling.constraint, Choice):
        options = sampling.constraint.options
        return options[digest[0] % len(options)]
    if isinstance(sampling.constraint, JsonSchema):
        return "{}"
    words = "well " * (digest[0] % 9)
    answer = f"so \\boxed{{{digest[1] % 4}}}"
    kind = digest[2] % 12
    if kind == 0:
        return ""
    if kind == 1:
        return words
    if kind == 2:
        # Longer than anybody lets it be.
        return "on and on " * 40
    if kind == 3:
        return f"<think>{words}</think>{answer}"
    if kind in (4, 5, 6):
        return f"{words}{_FORKS[digest[3] % len(_FORKS)]}"
    if kind == 7:
        return f"{words}3 4?</Path></Thread></Parallel>{answer}"
    return f"{words}{answer}"
