"""What stands between a node of a run and the engine, for each of its calls.

    PrefixedEngine     names it after the node that its run is inside of
    RecordingEngine    tells of the call
    JournaledEngine    answers it, if it was finished before
    DeadlineEngine     waits for nothing beyond the end of the time
    RetryEngine        tries again what may succeed later
    LimitedEngine      waits for one of the calls that may run at once
    HedgeEngine        tries twice what takes much longer than its peers
    WatchedEngine      tells of tokens while they come
    BudgetEngine       pays for the try
    TimeoutEngine      ends a try that hangs
    the engine

What is not wanted is not there. The journal is around all that time and money decide, so that they change no key.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from engines import (
    CallLimiter,
    Engine,
    HedgeEngine,
    HedgePolicy,
    LimitedEngine,
    Notice,
    Notify,
    Peers,
    RetryEngine,
    RetryPolicy,
    TimeoutEngine,
    WatchedEngine,
)
from engines.notice import ignore

from .budget import Account, BudgetEngine, DeadlineEngine, Purse
from .events import CallNoticed, EventBus, TokensGenerated, WorkerText
from .journal import Journal, JournaledEngine
from .prefixing import PrefixedEngine
from .recording import RecordingEngine


@dataclass(frozen=True, kw_only=True)
class CallPolicy:
    """What is done about calls that fail, hang or straggle.

    Attributes:
        retry: How often calls are tried that may succeed later.
        hedge: Which calls are tried a second time because their peers would long have ended; None are.
        seconds: How long a try may take; None sets no limit.
        idle_seconds: How long a try may go without a token; None sets no limit.
    """

    retry: RetryPolicy = RetryPolicy()
    hedge: HedgePolicy | None = None
    seconds: float | None = None
    idle_seconds: float | None = None


def protected(
    engine: Engine,
    policy: CallPolicy,
    *,
    limiter: CallLimiter,
    owner: str,
    peers: Peers | None,
    paid: tuple[Purse, Account] | None = None,
    notify: Notify = ignore,
    told: Callable[[Engine], Engine] | None = None,
    random: Random | None = None,
) -> Engine:
    """The engine with what is done about calls that wait, fail, hang, straggle or cost.

    Args:
        engine: Does them.
        policy: What is done.
        limiter: Lets only so many run at once.
        owner: Whose they are, for the limiter to be fair.
        peers: How long calls take, if late ones are tried twice.
        paid: The budget and the account that pays; None where nothing limits them.
        notify: Told what happens to a call on its way.
        told: Puts around the engine what tells of tokens while they come; None tells nothing.
        random: Spreads the delays before further tries.
    """
    if policy.seconds is not None or policy.idle_seconds is not None:
        engine = TimeoutEngine(engine, total=policy.seconds, idle=policy.idle_seconds)
    if paid is not None:
        engine = BudgetEngine(engine, *paid, notify)
    if told is not None:
        engine = told(engine)
    if peers is not None:
        # What it may speed up has waited long enough.
        second_slot = partial(limiter.slot, owner=owner, priority=-1)
        engine = HedgeEngine(engine, peers, notify, second_slot=second_slot)
    engine = LimitedEngine(engine, limiter, owner)
    if policy.retry.attempts > 1:
        engine = RetryEngine(engine, policy.retry, notify, random=random)
    if paid is not None and paid[1].deadline < math.inf:
        engine = DeadlineEngine(engine, *paid)
    return engine


class Calls:
    """The calls of one run.

    Args:
        engine: Does them.
        policy: What is done about those that go wrong.
        limiter: Lets only so many run at once; other runs share it.
        peers: What is known of how long calls take, of all runs on this engine.
        purse: The run's budget.
        journal: The run's journal; None keeps none.
        bus: Takes the run's events.
        owner: The run's name, for the limiter to be fair.
        live: Whether tokens are told while they come.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        policy: CallPolicy,
        limiter: CallLimiter,
        peers: Peers | None,
        purse: Purse,
        journal: Journal | None,
        bus: EventBus,
        owner: str,
        live: bool,
    ) -> None:
        self._engine = engine
        self._policy = policy
        self._limiter = limiter
        self._peers = peers
        self._purse = purse
        self._journal = journal
        self._bus = bus
        self._owner = owner
        self._live = live
        self._numbers = itertools.count(1)
        self._node = ""
        self._path = ""

    def inside(
        self,
        node: str,
        engine: Engine,
        *,
        policy: CallPolicy,
        limiter: CallLimiter,
        peers: Peers | None,
        purse: Purse,
    ) -> Calls:
        """The calls of a run inside a node of this one: told as the node's own, and kept in the same journal."""
        inner = Calls(
            engine,
            policy=policy,
            limiter=limiter,
            peers=peers,
            purse=purse,
            journal=self._journal,
            bus=self._bus,
            owner=self._owner,
            live=self._live,
        )
        inner._numbers = self._numbers
        inner._node = self._node or node
        inner._path = f"{self._path}/{node}" if self._path else node
        return inner

    def of(self, node: str, account: Account) -> Engine:
        """The engine as a node sees it, paid by an account."""

        def told(engine: Engine) -> Engine:
            return WatchedEngine(engine, self._saw(node), self._drafted(node))

        engine = protected(
            self._engine,
            self._policy,
            limiter=self._limiter,
            owner=self._owner,
            peers=self._peers,
            paid=(self._purse, account),
            notify=self.notify(node),
            told=told if self._live else None,
        )
        if self._journal is not None:
            engine = JournaledEngine(engine, self._journal)
        engine = RecordingEngine(engine, self._node or node, self._bus, self._numbers)
        return PrefixedEngine(engine, self._path) if self._path else engine

    def notify(self, node: str) -> Notify:
        """Tells as an event what happens to a node's calls on their way."""
        node = self._node or node

        def tell(notice: Notice) -> None:
            self._bus.emit(
                CallNoticed(node=node, path=notice.path, what=notice.kind, reason=notice.reason)
            )

        return tell

    def _saw(self, node: str) -> Callable[[str, int, str], None]:
        node = self._node or node

        def tell(path: str, tokens: int, text: str) -> None:
            self._bus.emit(TokensGenerated(node=node, tokens=tokens))

        return tell

    def _drafted(self, node: str) -> Callable[[str, str, str], None]:
        node = self._node or node

        def tell(path: str, worker: str, text: str) -> None:
            self._bus.emit(WorkerText(node=node, path=path, worker=worker, delta=text))

        return tell
