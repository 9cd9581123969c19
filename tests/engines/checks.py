"""How the contract of engines is written down: a check is an async function of an open engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engines import Context, Engine, Sampling, converse

GREEDY = Sampling(max_tokens=12, temperature=0)


@dataclass(frozen=True)
class Check:
    run: Callable[[Engine], Awaitable[None]]
    needs_ids: bool = False
    needs_model: bool = False
    needs_constraints: bool = False
    needs_prefix_cache: bool = False
    needs_logprobs: bool = False
    closes: bool = False

    @property
    def name(self) -> str:
        return self.run.__name__


CHECKS: list[Check] = []


def check(
    **traits: bool,
) -> Callable[[Callable[[Engine], Awaitable[None]]], Callable[[Engine], Awaitable[None]]]:
    def register(run: Callable[[Engine], Awaitable[None]]) -> Callable[[Engine], Awaitable[None]]:
        CHECKS.append(Check(run, **traits))
        return run

    return register


async def question(engine: Engine) -> Context:
    return await converse(engine, [("user", "Tell me about the sea."), ("assistant", "")])
