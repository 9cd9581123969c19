"""Replicas with bounded KV caches as a model, to compare ways to route without a GPU. All times are the model's own.

A replica batches continuously: a step gives every running call a token and computes the prompts of the calls that it
admits, first come first served. A call holds its KV to its end; prefixes that nobody holds stay until room is needed.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engines import Context, Segment
from engines.replicas.router import Placement, Router, RoutingPolicy

STEP_SECONDS = 0.008
SECONDS_A_SEQUENCE = 0.00005
PREFILL_TOKENS_A_SECOND = 20_000
BATCH = 256


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Problems that fork their prompt in rounds, each round when all branches of the one before have ended.

    The first `hot` problems have `hot_forks` branches in a round, the others `forks`.
    """

    problems: int
    prompt_tokens: int
    rounds: int
    forks: int
    hot: int = 0
    hot_forks: int = 0
    branch_tokens: int = 50
    generated_tokens: int = 100


@dataclass(eq=False, kw_only=True)
class Call:
    context: Context
    prompt: Context
    expected_tokens: int
    left: int
    ended: Callable[[float], None]
    own_tokens: int = field(init=False)

    def __post_init__(self) -> None:
        self.own_tokens = len(self.context.segment.token_ids or ()) + self.left

    @property
    def prompt_tokens(self) -> int:
        return len(self.prompt.segment.token_ids or ())


class Routing(Protocol):
    def place(self, call: Call) -> int: ...

    def ended(self, call: Call) -> None: ...


class RoundRobin:
    """One replica after the other."""

    def __init__(self, replicas: int) -> None:
        self._turn = itertools.cycle(range(replicas))

    def place(self, call: Call) -> int:
        return next(self._turn)

    def ended(self, call: Call) -> None:
        pass


class PrefixHash:
    """The prompt alone says where."""

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas

    def place(self, call: Call) -> int:
        def rank(replica: int) -> bytes:
            return hashlib.blake2b(call.prompt.digest + bytes([replica])).digest()

        return min(range(self._replicas), key=rank)

    def ended(self, call: Call) -> None:
        pass


class AffineWithLoad:
    """The pool's own router."""

    def __init__(self, replicas: int) -> None:
        self._replicas = range(replicas)
        self._router = Router(replicas, RoutingPolicy())
        self._placements: dict[Call, Placement] = {}

    def place(self, call: Call) -> int:
        placement = self._router.place(call.context, call.expected_tokens, self._replicas)
        self._placements[call] = placement
        return placement.replica

    def ended(self, call: Call) -> None:
        self._router.release(self._placements.pop(call))


class Replica:
    """One engine."""

    def __init__(self, kv_tokens: int) -> None:
        self._kv_tokens = kv_tokens
        self._waiting: deque[Call] = deque()
        self._running: list[Call] = []
        self._cached: OrderedDict[Context, None] = OrderedDict()
        self._holders: Counter[Context] = Counter()
        self._used = 0
        self.stepping = False
        self.cached_tokens = 0
        self.prompt_tokens = 0
        self.busy_seconds = 0.0

    def add(self, call: Call) -> None:
        self._waiting.append(call)

    def step(self) -> tuple[float, list[Call]]:
        """The seconds that a step takes, and the calls that end with it."""
        computed = self._admit()
        seconds = STEP_SECONDS + SECONDS_A_SEQUENCE * len(self._running)
        seconds += computed / PREFILL_TOKENS_A_SECOND
        self.busy_seconds += seconds
        for call in self._running:
            call.left -= 1
        ended = [call for call in self._running if not call.left]
        self._running = [call for call in self._running if call.left]
        for call in ended:
            self._used -= call.own_tokens
            self._holders[call.prompt] -= 1
        self.stepping = bool(self._running or self._waiting)
        return seconds, ended

    def _admit(self) -> int:
        """Takes calls as long as there is room; returns how many tokens have to be computed for them."""
        computed = 0
        while self._waiting and len(self._running) < BATCH:
            call = self._waiting[0]
            missing = 0 if call.prompt in self._cached else call.prompt_tokens
            if not self._make_room(call.own_tokens + missing, call.prompt):
                break
            self._running.append(self._waiting.popleft())
            self._used += call.own_tokens + missing
            self._cached[call.prompt] = None
            self._cached.move_to_end(call.prompt)
            self._holders[call.prompt] += 1
            self.prompt_tokens += call.prompt_tokens
            self.cached_tokens += call.prompt_tokens - missing
            computed += missing + len(call.context.segment.token_ids or ())
        return computed

    def _make_room(self, tokens: int, kept: Context) -> bool:
        while self._used + tokens > self._kv_tokens:
            free = (p for p in self._cached if not self._holders[p] and p is not kept)
            oldest = next(free, None)
            if oldest is None:
                return False
            del self._cached[oldest]
            self._used -= len(oldest.segment.token_ids or ())
        return True


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What became of a workload.

    Attributes:
        hit_rate: The share of the prompts' tokens that were cached.
        imbalance: How long the busiest replica worked against the mean.
        seconds: Until the last call ended.
    """

    hit_rate: float
    imbalance: float
    seconds: float


def simulate(
    workload: Workload, routing: Routing, *, replicas: int, kv_tokens: int, seed: int
) -> Figures:
    engines = [Replica(kv_tokens) for _ in range(replicas)]
    steps: list[tuple[float, int]] = []

    def send(calls: Sequence[Call], now: float) -> None:
        for call in calls:
            number = routing.place(call)
            engines[number].add(call)
            if not engines[number].stepping:
                engines[number].stepping = True
                heapq.heappush(steps, (now, number))

    randomness = random.Random(seed)
    for number in range(workload.problems):
        _Problem(workload, f"{seed}-{number}", number < workload.hot, randomness, send).go_on(0.0)
    now = 0.0
    while steps:
        now, number = heapq.heappop(steps)
        seconds, ended = engines[number].step()
        now += seconds
        if engines[number].stepping:
            heapq.heappush(steps, (now, number))
        for call in ended:
            routing.ended(call)
            call.ended(now)
    busy = [engine.busy_seconds for engine in engines]
    return Figures(
        hit_rate=sum(e.cached_tokens for e in engines) / sum(e.prompt_tokens for e in engines),
        imbalance=max(busy) * replicas / sum(busy),
        seconds=now,
    )


class _Problem:
    """Sends its rounds."""

    def __init__(
        self,
        workload: Workload,
        name: str,
        hot: bool,
        randomness: random.Random,
        send: Callable[[Sequence[Call], float], None],
    ) -> None:
        self._workload = workload
        self._forks = workload.hot_forks if hot else workload.forks
        self._random = randomness
        self._send = send
        self._prompt = Context(Segment("user", name, (0,) * workload.prompt_tokens), name=name)
        self._rounds = iter(range(workload.rounds))
        self._open = 0

    def go_on(self, now: float) -> None:
        number = next(self._rounds, None)
        if number is not None:
            self._open = self._forks
            self._send([self._call(f"{number}-{i}") for i in range(self._forks)], now)

    def _call(self, name: str) -> Call:
        mean = self._workload.generated_tokens
        generated = round(mean * self._random.lognormvariate(0, 0.6))
        branch = Segment("user", "", (1,) * self._workload.branch_tokens)
        return Call(
            context=self._prompt.fork(name, branch),
            prompt=self._prompt,
            expected_tokens=mean,
            left=max(8, min(4 * mean, generated)),
            ended=self._ended,
        )

    def _ended(self, now: float) -> None:
        self._open -= 1
        if not self._open:
            self.go_on(now)
