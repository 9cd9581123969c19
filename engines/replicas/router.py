"""Chooses a replica for a call: where its prefix is cached, as long as that replica is not loaded beyond its share.

Pure, and blind to health: who calls it says which replicas are fit. Hashing prefixes alone sends all forks of a hot
prompt to one replica, whose cache then no longer holds what it should share (98 % hits fell to 5 % for others). The
bound on the load is that of consistent hashing with bounded loads (Mirrokni et al., 2016), in tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..context import Context
from .prefix_memory import Prefix, PrefixMemory, prefixes_of


@dataclass(frozen=True, kw_only=True)
class RoutingPolicy:
    """How much a cached prefix counts against load.

    A call goes to the replica with the least

        uncached prompt tokens + load_weight x max(0, load - fair_share x mean load)

    and of equal ones to the least loaded; the root of the context picks among those by rendezvous hashing, in every
    process the same. A replica's load is the sum, over its calls in flight, of the tokens that they are expected to
    generate (what the caller says, or else the share of the limit that calls used lately) and of the prompt tokens
    that it had to compute for them. So what carries more than

        fair_share x mean load + cached tokens / load_weight

    gets no call: a prefix draws calls for as long as computing it anew costs more than waiting.

    Attributes:
        load_weight: How many prompt tokens to compute are as bad as one token of load beyond the fair share.
        fair_share: How much of the mean load a replica may carry at no cost.
        remembered: How many prefixes are remembered for each replica.
    """

    load_weight: float = 0.5
    fair_share: float = 1.1
    remembered: int = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a call goes.

    Attributes:
        replica: The number of the replica.
        cached_tokens: How many tokens of its prompt are probably cached there.
        load: What it adds to the replica's load until it is released.
    """

    replica: int
    cached_tokens: int
    load: int


class Router:
    """Places calls on numbered replicas and keeps count of what they carry.

    Args:
        replicas: How many there are.
        policy: How much a cached prefix counts against load.
    """

    def __init__(self, replicas: int, policy: RoutingPolicy) -> None:
        self._policy = policy
        self._loads = [0] * replicas
        self._memories = [PrefixMemory(policy.remembered) for _ in range(replicas)]

    @property
    def loads(self) -> Sequence[int]:
        """The tokens that each replica has in flight."""
        return tuple(self._loads)

    def place(
        self, context: Context, expected_tokens: int, candidates: Collection[int]
    ) -> Placement:
        """Chooses one of the candidates, of which there is at least one, and books the call there."""
        prefixes = prefixes_of(context)
        prompt = prefixes[0].tokens if prefixes else 0
        cached = {c: self._memories[c].tokens_of(prefixes) for c in candidates}
        free = self._policy.fair_share * sum(self._loads[c] for c in candidates) / len(candidates)

        def cost(candidate: int) -> tuple[float, int]:
            load = self._loads[candidate]
            excess = self._policy.load_weight * max(0.0, load - free)
            return prompt - cached[candidate] + excess, load

        costs = {c: cost(c) for c in candidates}
        least = min(costs.values())
        replica = _home(prefixes, [c for c, its in costs.items() if its == least])
        # At once, so that forks that come at the same time follow.
        self._memories[replica].remember(prefixes)
        load = prompt - cached[replica] + expected_tokens
        self._loads[replica] += load
        return Placement(replica=replica, cached_tokens=cached[replica], load=load)

    def release(self, placement: Placement) -> None:
        """The call has ended, in whatever way."""
        self._loads[placement.replica] -= placement.load

    def remember(self, replica: int, context: Context) -> None:
        """The replica has generated a context, which may be gone on from."""
        self._memories[replica].remember(prefixes_of(context))

    def forget(self, replica: int) -> None:
        """The replica has probably lost its cache."""
        self._memories[replica].clear()


def _home(prefixes: Sequence[Prefix], tied: Sequence[int]) -> int:
    if len(tied) == 1:
        return tied[0]
    root = prefixes[-1].digest if prefixes else b""
    return min(tied, key=lambda c: hashlib.blake2b(root + c.to_bytes(4, "big")).digest())
