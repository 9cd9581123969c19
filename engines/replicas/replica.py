"""What a pool knows about one of its replicas. Pure: it holds no engine and knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..completion import Usage
from .circuit_breaker import CircuitBreaker

ReplicaState = Literal["serving", "busy", "slow", "probing", "down", "drained"]


@dataclass(frozen=True, kw_only=True)
class HealthPolicy:
    """When a replica gets no calls, and when it is tried again.

    Attributes:
        failures: How many failures in a row take it out; a dead engine is taken out at once.
        cool_down_seconds: How long it is left alone then; doubled each time that it fails again.
        longest_cool_down_seconds: What the cool-down grows to.
        busy_seconds: How long it is spared after it said that it is overloaded, where it does not say how long.
        slow_factor: How many times slower than its peers a replica generates before it is spared.
        slow_calls: How many comparable calls that takes.
        slow_cool_down_seconds: How long a slow replica is left alone; doubled each time that it is still slow.
        longest_slow_cool_down_seconds: What that grows to.
    """

    failures: int = 3
    cool_down_seconds: float = 1
    longest_cool_down_seconds: float = 30
    busy_seconds: float = 1
    slow_factor: float = 3
    slow_calls: int = 8
    slow_cool_down_seconds: float = 30
    longest_slow_cool_down_seconds: float = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStatus:
    """What one replica of a pool does, at one moment.

    Attributes:
        number: Its place in the pool.
        state: `serving`; `busy` (it said that it is overloaded); `slow` (an outlier among its peers: used only where
            no other is left); `probing` (one call finds out whether it works again); `down`; `drained` by hand.
        in_flight: Calls that it works on.
        load: Tokens that these are expected to cost.
        served: Calls that it has finished.
        failed: Calls that failed or stalled on it.
        prompt_tokens: Tokens of the prompts that it served.
        cached_tokens: Of these, what it took from its prefix cache, as far as it says.
        seconds_per_token: The median of its recent calls; None where it has none.
        said: The last thing that went wrong; empty if nothing did.
    """

    number: int
    state: ReplicaState
    in_flight: int
    load: int
    served: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    seconds_per_token: float | None
    said: str

    @property
    def cached_share(self) -> float:
        """The share of its prompt tokens that came from its prefix cache, 0 to 1."""
        return self.cached_tokens / max(self.prompt_tokens, 1)


class Replica:
    """The health and the counts of one replica.

    Attributes:
        number: Its place in the pool.
        breaker: Keeps calls away while it fails.
        pace: Keeps calls away while it is slow.
        drained: Whether somebody took it out by hand.
        busy_until: When it takes calls again.
        heard: When it last sent anything of a call.
        said: The last thing that went wrong.
    """

    def __init__(self, number: int, policy: HealthPolicy) -> None:
        self.number = number
        self.breaker = CircuitBreaker(
            failures=policy.failures,
            cool_down=policy.cool_down_seconds,
            longest_cool_down=policy.longest_cool_down_seconds,
        )
        self.pace = CircuitBreaker(
            failures=1,
            cool_down=policy.slow_cool_down_seconds,
            longest_cool_down=policy.longest_slow_cool_down_seconds,
        )
        self.drained = False
        self.busy_until = 0.0
        self.heard = 0.0
        self.said = ""
        self.in_flight = 0
        self.served = 0
        self.failed = 0
        self._prompt_tokens = 0
        self._cached_tokens = 0

    def takes_calls(self, now: float) -> bool:
        """Whether it may get a call, be it as a probe or for want of a faster one."""
        return self.is_free(now) and self.breaker.allows(now)

    def wait(self, now: float) -> float:
        """Seconds until it may get a call, if nobody drained it."""
        return max(0.0, self.busy_until - now, self.breaker.wait(now))

    def is_free(self, now: float) -> bool:
        """Whether neither a person nor the replica itself said that it is to get no calls."""
        return not self.drained and now >= self.busy_until

    def wants_probe(self, now: float) -> bool:
        """Whether it is time to see whether it works again, or is fast again."""
        return self.breaker.wants_probe(now) or self.pace.wants_probe(now)

    @property
    def is_well(self) -> bool:
        """Whether it neither fails nor is slow."""
        return self.breaker.state == self.pace.state == "closed"

    def count(self, usage: Usage) -> None:
        """It finished a call, which cost so much."""
        self.served += 1
        self._prompt_tokens += usage.prompt_tokens
        self._cached_tokens += usage.cached_tokens or 0

    def reason(self, now: float) -> str:
        """Why it takes no calls."""
        state = self.state(now)
        return f"{state} ({self.said})" if self.said and state != "drained" else state

    def status(self, now: float, load: int, seconds_per_token: float | None) -> ReplicaStatus:
        """All that is known of it, with what others keep: its load and its pace."""
        return ReplicaStatus(
            number=self.number,
            state=self.state(now),
            in_flight=self.in_flight,
            load=load,
            served=self.served,
            failed=self.failed,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            seconds_per_token=seconds_per_token,
            said=self.said,
        )

    def state(self, now: float) -> ReplicaState:
        """What is to be said about it."""
        if self.drained:
            return "drained"
        if self.breaker.state == "open":
            return "down"
        if self.breaker.state == "half-open":
            return "probing"
        if now < self.busy_until:
            return "busy"
        return "serving" if self.pace.state == "closed" else "slow"
