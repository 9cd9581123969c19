"""Tokens a second through methods and agents, beside vLLM's offline `LLM.generate` with the same requests.

    question ─> Agent ─> SelfConsistency ─> N threads ─> VllmEngine ─> engine core ──┐
    the same token ids, N times ──────────> LLM.generate ────────────> engine core ──┴─> one GPU

Both engines stay on the GPU with the same options, each with a part of its memory, and work in turns: the one that
waits costs nothing. vLLM allows it: when it starts, the share that it is given has to be free, and it counts what it
takes itself. One after the other, each could have the whole memory, but minutes would lie between what is compared,
in which machines drift by more than the twentieth that is asked about. The price is a smaller KV cache: threads are as
long as all of them fit into it, since what does not is thrown out and computed again, on either side at random.

A vote needs answers, and random weights give none, so that the first thread's answer is taken: voting is measured in
`benchmarks/voting.py`. Our side begins with the question's text, and encodes each thread's turn; `LLM.generate` is
given token ids.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from engines import CallLimiter, Engine, ForkjoinError, Sampling, converse, single_error
from orchestrator import Agent
from reasoning import ChainOfThought, First, Method, SelfConsistency
from reasoning.chain_of_thought import INSTRUCTION

from ..errors import require
from ..figure import Figure
from ..measured import MeasuredEngine
from ..part import HALF, Incomplete, Setting
from ..plain_vllm.offline import Generate, Prompt, offline
from ..timing import busy, collected, ratio, together
from ..vllm_says import vllm_says

GOAL = 0.95
WIDTHS = (64, 256, 1024)
TOKENS = 192
# The width at which many questions are asked too, one of each thread.
QUESTIONS = 256

_REPEATS = 4
_SECONDS = 50
_WARM_UP = 16
# What a thread takes in the KV cache beside its tokens: the end of its prompt's last block, and of its own.
_BESIDE_TOKENS = 32
# Of the KV cache; the question is there too.
_FILLED = 0.9
_QUESTION = (
    "A farmer has 12 rows of 7 apple trees, and each tree bears 9 apples. How many are there? "
) * 4
_OFFLINE = "LLM.generate"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run went.

    Attributes:
        seconds: That it took.
        client: The share of a processor that this process used meanwhile.
    """

    seconds: float
    client: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Threads that think at the same time.

    Attributes:
        engine: Ours.
        generate: The other one's.
        width: How many there are.
        tokens: That each generates.
    """

    engine: Engine
    generate: Generate
    width: int
    tokens: int

    async def offline(self, name: str) -> Ran:
        """The other engine, given the same prompt for each thread."""
        prompt = await prompt_of(self._measured(name), _QUESTION)
        return await self._generated([prompt] * self.width)

    async def offline_questions(self, name: str) -> Ran:
        """The other engine, given prompts of their own."""
        engine = self._measured(name)
        return await self._generated(
            [await prompt_of(engine, question) for question in self._questions()]
        )

    async def method(self, name: str) -> Ran:
        """Self-consistency by itself, as in a notebook."""

        async def solve(engine: Engine) -> None:
            await self._method.solve(await converse(engine, [("user", _QUESTION)]), engine)

        return await self._ours(name, solve)

    async def agent(self, name: str) -> Ran:
        """An agent that thinks with self-consistency."""

        async def ask(engine: Engine) -> None:
            await self._agent(engine, self._method).run(_QUESTION)

        return await self._ours(name, ask)

    async def agents(self, name: str) -> Ran:
        """Questions that one agent is asked at the same time, with a thread for each."""

        async def ask(engine: Engine) -> None:
            agent = self._agent(engine, self._thread)
            await together([partial(agent.run, question) for question in self._questions()])

        return await self._ours(name, ask)

    @property
    def _thread(self) -> ChainOfThought:
        return ChainOfThought(sampling=self._sampling)

    @property
    def _method(self) -> SelfConsistency:
        return SelfConsistency(samples=self.width, method=self._thread, reducer=First())

    @property
    def _sampling(self) -> Sampling:
        return Sampling(max_tokens=self.tokens, ignore_eos=True)

    def _agent(self, engine: Engine, method: Method) -> Agent:
        return Agent(engine, planner="single", method=method, limiter=CallLimiter(self.width))

    def _measured(self, name: str) -> MeasuredEngine:
        return MeasuredEngine(self.engine, f"{name}, {self.width} of {self.tokens}")

    def _questions(self) -> list[str]:
        return [f"Question {number}: {_QUESTION}" for number in range(self.width)]

    async def _ours(self, name: str, run: Callable[[Engine], Awaitable[None]]) -> Ran:
        engine = self._measured(name)
        ran = Ran(*await busy(partial(run, engine), time.process_time))
        engine.check()
        found, asked = (engine.calls, engine.tokens), (self.width, self.width * self.tokens)
        require(found == asked, f"{name}: {found} calls and tokens instead of {asked}")
        return ran

    async def _generated(self, prompts: Sequence[Prompt]) -> Ran:
        lengths: list[int] = []

        async def run() -> None:
            lengths.extend(await self.generate(prompts, self._sampling))

        ran = Ran(*await busy(run, time.process_time))
        asked = [self.tokens] * len(prompts)
        require(
            lengths == asked, f"LLM.generate gave {sum(lengths)} tokens instead of {sum(asked)}"
        )
        return ran


Kind = Callable[[Threads, str], Awaitable[Ran]]
"""Runs the threads once, by a name of its own, so that nothing of it is in the cache."""


async def measure(setting: Setting) -> list[Figure]:
    """Rates at several widths over those of `LLM.generate`.

    Raises:
        Incomplete: A width could not be measured; the error has the figures of the narrower ones.
    """
    engine = await setting.engine(**HALF)
    setting.say("engine-layer: vLLM's LLM starts beside the engine")
    figures: list[Figure] = []
    async with offline(setting.model, {**setting.usual, **HALF, **setting.options}) as generate:
        for full, small in zip(WIDTHS, (2, 4, 8), strict=True):
            width = setting.sized(full, small)
            try:
                with single_error():
                    tokens = fitting(engine, width, setting.sized(TOKENS, 8))
                    threads = Threads(engine=engine, generate=generate, width=width, tokens=tokens)
                    setting.say(f"engine-layer: {width} threads of {tokens} tokens")
                    figures += await of_one_question(setting, threads)
                    if full == QUESTIONS:
                        figures += await of_questions(setting, threads)
            except ForkjoinError as error:
                raise Incomplete(figures, f"{width} threads: {error}") from error
    return figures


def fitting(engine: Engine, width: int, tokens: int) -> int:
    """So many tokens, or as many as that many threads of one question have room for in the KV cache.

    Raises:
        Mismeasured: It is next to nothing.
    """
    room = vllm_says(engine).get("kv_tokens")
    if room is None:
        return tokens
    fit = int(_FILLED * room) // width - _BESIDE_TOKENS
    require(fit >= _WARM_UP or fit >= tokens, f"{width} threads in a KV cache of {room:,} tokens")
    return min(tokens, fit)


async def of_one_question(setting: Setting, threads: Threads) -> list[Figure]:
    """Threads of one question, through the method and through an agent."""
    ours: dict[str, Kind] = {"SelfConsistency": Threads.method, "Agent": Threads.agent}
    return await _compared(setting, threads, "threads", ours, Threads.offline, GOAL)


async def of_questions(setting: Setting, threads: Threads) -> list[Figure]:
    """A question for each thread, through an agent."""
    ours: dict[str, Kind] = {"an agent's run for each": Threads.agents}
    return await _compared(setting, threads, "questions", ours, Threads.offline_questions, None)


async def prompt_of(engine: Engine, question: str) -> Prompt:
    """What each thread of a question is given."""
    context = await converse(engine, [("user", question)])
    thread = await converse(engine, [("user", INSTRUCTION), ("assistant", "")], after=context)
    return thread.token_ids


async def _compared(
    setting: Setting,
    threads: Threads,
    what: str,
    ours: Mapping[str, Kind],
    other: Kind,
    goal: float | None,
) -> list[Figure]:
    kinds = {_OFFLINE: other, **ours}
    # Short ones, since all that is new to an engine is the number of threads.
    short = replace(threads, tokens=min(_WARM_UP, threads.tokens))
    for name, kind in kinds.items():
        await kind(short, f"{name}, {what} before")
    runs = {f"{name}, {what}": partial(kind, threads) for name, kind in kinds.items()}
    found = await collected(runs, setting.sized(_REPEATS, 1), warm=0, within=_SECONDS)
    rounds = [*found.values()]
    room = vllm_says(threads.engine).get("kv_tokens")
    return [
        _figure(threads, f"{threads.width} {what}, {name}", mine, rounds[0], goal, room)
        for name, mine in zip(ours, rounds[1:], strict=True)
    ]


def _figure(
    threads: Threads,
    what: str,
    ours: Sequence[Ran],
    others: Sequence[Ran],
    goal: float | None,
    room: int | None,
) -> Figure:
    seconds, seconds_offline = ([ran.seconds for ran in runs] for runs in (ours, others))
    busy, busy_offline = ([ran.client for ran in runs] for runs in (ours, others))
    total = threads.width * threads.tokens
    rate, rate_offline = (total / statistics.median(s) for s in (seconds, seconds_offline))
    client, client_offline = (statistics.median(b) for b in (busy, busy_offline))
    return Figure(
        what=f"{what}, {threads.tokens} tokens each",
        beside=f"{_OFFLINE}, the same requests",
        value=ratio(seconds_offline, seconds),
        goal=goal,
        detail=f"{rate:,.0f} beside {rate_offline:,.0f} tokens/s; "
        f"of a processor this process used {client:.0%} beside {client_offline:.0%}",
        data={
            "tokens": total,
            "kv_tokens": room,
            "seconds": seconds,
            "seconds_offline": seconds_offline,
            "client_cpu": busy,
            "client_cpu_offline": busy_offline,
        },
    )
