"""How long calls take, and which of those that run are late. Pure: times come in, and no clock or task is known.

    enter ─> runs ──────────────────────────────────────────> leave     its duration joins those of its kind
               └─ alarm ─> take_second ─> begin_second ─> runs twice

Only the oldest call of a kind that may not run twice yet has its alarm set, since it is late first; whenever a call
leaves, the times of its kind are known better, and the alarm moves. Where many run, one leaves all the time, which
is alarm enough.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ..errors import UsageError

_MOST_WITH_ALARM = 16


@dataclass(frozen=True, kw_only=True)
class HedgePolicy:
    """Which calls are late.

    Attributes:
        quantile: A call is late that takes longer than this quantile of its peers' durations, 0 to 1, ...
        factor: ... times this.
        least: How many peers have to have finished before any call is late.
        share: Where more than this share of the calls are late at the same time (and more than one), it is the load
            and not they. So this is also the most that is ever run twice at a time.
        window: How many durations of a kind are remembered.

    Raises:
        UsageError: A number is out of its range.
    """

    quantile: float = 0.95
    factor: float = 1.5
    least: int = 8
    share: float = 0.1
    window: int = 128

    def __post_init__(self) -> None:
        """Refuses what no call can meet."""
        if not (0 < self.quantile <= 1 and 0 < self.share <= 1):
            raise UsageError(f"{self} needs a quantile and a share above 0, 1 at most")
        if not (1 <= self.least <= self.window and self.factor >= 1):
            raise UsageError(f"{self} needs 1 <= least <= window, and a factor of 1 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersStatistics:
    """What is known of the calls.

    Attributes:
        running: Calls that run.
        hedged: Of these, the ones that run twice.
        finished: Durations that are remembered.
    """

    running: int
    hedged: int
    finished: int


@dataclass(eq=False, slots=True)
class PeerCall:
    """A call that runs.

    Attributes:
        kind: What it is compared with.
        started: When it began.
        set_alarm: Says when to ask whether it is late; infinity where nothing is to be done for now.
        taken: Whether it may run twice, and so has no alarm any more.
        hedged: Whether it runs twice.
    """

    kind: Hashable
    started: float
    set_alarm: Callable[[float], None]
    taken: bool = False
    hedged: bool = False


@dataclass(slots=True)
class _Kind:
    """The calls of one kind; `by_length` are the durations in `by_age`, sorted."""

    by_age: deque[float]
    by_length: list[float] = field(default_factory=list)
    # In the order of their start.
    running: dict[PeerCall, None] = field(default_factory=dict)

    def remember(self, duration: float) -> None:
        if len(self.by_age) == self.by_age.maxlen:
            del self.by_length[bisect_left(self.by_length, self.by_age[0])]
        self.by_age.append(duration)
        insort(self.by_length, duration)

    def oldest_alone(self) -> PeerCall | None:
        return next((call for call in self.running if not call.taken), None)


class Peers:
    """The calls of an engine, of one run or of several.

    Calls on engines of different speed are no peers: each engine needs its own.

    Args:
        policy: Which calls are late.
    """

    def __init__(self, policy: HedgePolicy | None = None) -> None:
        self._policy = policy or HedgePolicy()
        self._kinds: dict[Hashable, _Kind] = {}

    def enter(self, kind: Hashable, now: float, set_alarm: Callable[[float], None]) -> PeerCall:
        """Adds a call that begins."""
        if kind not in self._kinds:
            self._kinds[kind] = _Kind(deque(maxlen=self._policy.window))
        call = PeerCall(kind, now, set_alarm)
        self._kinds[kind].running[call] = None
        if self._kinds[kind].oldest_alone() is call:
            call.set_alarm(self._late_at(call))
        return call

    def leave(self, call: PeerCall, now: float, *, finished: bool) -> None:
        """Removes a call; the duration of one that finished by itself is remembered."""
        kind = self._kinds[call.kind]
        del kind.running[call]
        if finished:
            kind.remember(now - call.started)
        self._move_alarm(kind, now)

    def take_second(self, call: PeerCall, now: float) -> bool:
        """Whether the call is late and may run twice. If not, its alarm moves; if so, that of the next one is set."""
        kind = self._kinds[call.kind]
        call.taken = self._late_at(call) <= now and self._are_few(kind, now)
        self._move_alarm(kind, now)
        return call.taken

    def begin_second(self, call: PeerCall) -> None:
        """From now on the call runs twice."""
        call.hedged = True

    def quantile(self, kind: Hashable) -> float:
        """The policy's quantile of the durations of a kind; infinity while too few are known."""
        found = self._kinds.get(kind)
        if found is None or len(found.by_length) < self._policy.least:
            return math.inf
        # 0.95 of 20 are 19, not the 20 that binary fractions make of it.
        rank = math.ceil(self._policy.quantile * len(found.by_length) - 1e-9)
        return found.by_length[rank - 1]

    def statistics(self) -> PeersStatistics:
        """What is known now."""
        kinds = self._kinds.values()
        return PeersStatistics(
            running=sum(len(kind.running) for kind in kinds),
            hedged=sum(call.hedged for kind in kinds for call in kind.running),
            finished=sum(len(kind.by_age) for kind in kinds),
        )

    def _late_at(self, call: PeerCall) -> float:
        return call.started + self._policy.factor * self.quantile(call.kind)

    def _move_alarm(self, kind: _Kind, now: float) -> None:
        call = kind.oldest_alone()
        if call is None:
            return
        at = self._late_at(call)
        # Where too many are late, nothing helps before one of them leaves.
        helps = self._are_few(kind, now) if at <= now else len(kind.running) <= _MOST_WITH_ALARM
        call.set_alarm(at if helps else math.inf)

    def _are_few(self, kind: _Kind, now: float) -> bool:
        """Whether the late calls of a kind are no more than the policy's share."""
        most = max(1, int(self._policy.share * (len(kind.by_age) + len(kind.running))))
        late = itertools.takewhile(lambda call: self._late_at(call) <= now, kind.running)
        return sum(1 for _ in itertools.islice(late, most + 1)) <= most
