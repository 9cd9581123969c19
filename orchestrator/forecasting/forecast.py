"""What a plan would take: seconds, tokens and money, before anything is spent (after APEX, Lin et al. 2024)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from engines import Usage
from planners import Node, Plan, Think
from reasoning import Method, Reducer

from ..budget import Prices
from ..execution.critical_path import ExpectedSeconds
from .method_shape import shape_of
from .rates import Rates
from .simulation import Simulation, simulate
from .token_estimate import TokenEstimate, estimate_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a plan would take.

    Attributes:
        simulation: When each node would run.
        tokens: What the calls of each node would come to, in the order of the plan.
        critical_tokens: Tokens that are generated one after another along the critical path.
        money: What the tokens would cost; None where there are no prices.
        rates: What it rests on.
    """

    simulation: Simulation
    tokens: Mapping[str, TokenEstimate]
    critical_tokens: int
    money: float | None
    rates: Rates

    @property
    def total(self) -> TokenEstimate:
        """What the calls of all nodes would come to."""
        return reduce(add, self.tokens.values(), TokenEstimate())


@dataclass(frozen=True, kw_only=True)
class Forecaster:
    """Tells what plans would take on one engine, with one method.

    Attributes:
        rates: What is known of speeds and lengths.
        max_tokens: The most that a call generates; what it is expected to, where no more is known.
        thread_tokens: The same for a thread of the method, which may make many calls; None is `max_tokens`.
        method: The name of the method of nodes that name none.
        reducer: The name of the reducer that takes the place of each node's own; None leaves it to the nodes.
        concurrency: The most nodes that run at the same time.
        width: The most calls of the engine at the same time; None sets no limit.
        prices: What tokens cost.
    """

    rates: Rates = Rates()
    max_tokens: int = 512
    thread_tokens: int | None = None
    method: str = ""
    reducer: str | None = None
    concurrency: int = 64
    width: int | None = None
    prices: Prices | None = None

    def of(self, plan: Plan, question: str = "") -> Forecast:
        """What a plan would take.

        Args:
            plan: Its nodes are in an order that can be run.
            question: What is asked, where it is not what the plan is for.

        Raises:
            UsageError: The concurrency or the width is below 1.
        """
        expected = self._expected()
        simulation = simulate(
            plan,
            expected,
            threads=self._threads,
            concurrency=self.concurrency,
            width=math.inf if self.width is None else self.width,
            pace=self.rates.seconds_per_token,
        )
        tokens = estimate_tokens(
            plan, expected, threads=self._threads, calls=self._calls, question=question
        )
        nodes = {node.id: node for node in plan.nodes}
        chain = sum(expected.tokens_of(nodes[name]) for name in simulation.critical_path)
        return Forecast(
            simulation=simulation,
            tokens=tokens,
            critical_tokens=round(chain),
            money=self._money(reduce(add, tokens.values(), TokenEstimate())),
            rates=self.rates,
        )

    def _expected(self) -> ExpectedSeconds:
        return ExpectedSeconds(
            think_tokens=self.max_tokens if self.thread_tokens is None else self.thread_tokens,
            reduce_tokens=self.max_tokens,
            seconds_per_token=self.rates.seconds_per_token(1),
            tools=self.rates.tools,
            tool=self.rates.tool,
            # The limit of this method's threads is not that of others.
            tokens={**self._limits(), **self.rates.tokens},
            method=self.method,
            reducer=self.reducer or "",
        )

    def _limits(self) -> Mapping[str, float]:
        return {name: self.max_tokens for name in self.rates.threads if name != self.method}

    def _threads(self, node: Node) -> int:
        return self.rates.threads.get(self._method_of(node), 1)

    def _calls(self, node: Node) -> int:
        return self.rates.calls.get(self._method_of(node), 1)

    def _method_of(self, node: Node) -> str:
        return (node.method or self.method) if isinstance(node, Think) else ""

    def _money(self, total: TokenEstimate) -> float | None:
        if self.prices is None:
            return None
        usage = Usage(
            prompt_tokens=total.prompt,
            cached_tokens=total.shared,
            generated_tokens=total.generated,
        )
        return float(self.prices.of(usage))


def with_configurations(
    rates: Rates, methods: Mapping[str, Method], reducers: Mapping[str, Reducer]
) -> Rates:
    """The same with what configurations tell of methods and reducers that are not known yet.

    A reducer that does not write the answer, but chooses it, generates next to nothing.
    """
    shapes = {name: shape_of(method) for name, method in methods.items()}
    threads = {name: shape.threads for name, shape in shapes.items()}
    lengths = {name: shape.tokens for name, shape in shapes.items() if shape.tokens is not None}
    silent = {
        name: 0.0
        for name, one in reducers.items()
        if not getattr(one, "answers_in_one_call", False)
    }
    return replace(
        rates,
        tokens={**silent, **lengths, **rates.tokens},
        threads={**threads, **rates.threads},
        calls={name: shape.calls for name, shape in shapes.items()},
    )
