"""Plans for the Berkeley Function-Calling Leaderboard on vLLM: under the grammar built from the tools, and without.

python -m benchmarks.bfcl                200 questions, the plain embedded model, smollm2
python -m benchmarks.bfcl 50 MODEL       so many, another model
"""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import anyio

from benchmarks.planners.bfcl import Row, matches
from benchmarks.planners.scenarios import DATA, rows
from benchmarks.report import machine, table
from engines import (
    AdaptiveLimiter,
    Capabilities,
    Engine,
    EngineWrapper,
    LimitedEngine,
    Sampling,
    local_engine,
)
from planners import (
    Call,
    Finding,
    LLMCompiler,
    Node,
    PlanChecker,
    PlanError,
    PlanSyntaxError,
    Reduce,
    Vocabulary,
)

FILE = "bfcl_parallel.jsonl"
SAMPLING = Sampling(max_tokens=600, temperature=0, seed=1)


class Free(EngineWrapper):
    """An engine that enforces no grammar."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.inner.capabilities, constraints=frozenset())


@dataclass
class Checking:
    """A sink that checks nodes and runs none."""

    checker: PlanChecker
    nodes: list[Node] = field(default_factory=list)
    tokens_left: int | None = None

    def text(self, delta: str) -> None:
        pass

    def remark(self, text: str) -> None:
        pass

    def speculate(self, call: Call | None) -> None:
        pass

    def node(self, node: Node) -> None:
        self.checker.check(node)
        if not isinstance(node, Reduce):
            self.nodes.append(node)

    async def wait(self, nodes: Iterable[str]) -> Mapping[str, Finding]:
        raise AssertionError("nothing runs here")


@dataclass
class Count:
    """What became of the plans."""

    plans: int = 0
    valid: int = 0
    syntax: int = 0
    matched: int = 0
    calls: int = 0
    seconds: float = 0
    tokens: int = 0

    def row(self, name: str) -> list[str]:
        share = [self.valid, self.syntax, self.matched, self.calls]
        return [
            name,
            *(f"{100 * number / self.plans:.1f} %" for number in share),
            f"{self.tokens:,}",
            f"{self.seconds:.0f}",
        ]


async def plan(row: Row, planner: LLMCompiler, engine: Engine, count: Count) -> None:
    vocabulary = Vocabulary(tools=row.tools, methods=(), reducers=(planner.reducer,))
    sink = Checking(PlanChecker(vocabulary))
    try:
        tokens = await planner.plan(row.question, vocabulary, engine, sink)
        count.tokens += tokens
    except PlanSyntaxError:
        count.syntax += 1
    except PlanError:
        pass
    else:
        count.valid += bool(sink.nodes)
    count.plans += 1
    count.calls += sum(node.kind == "call" for node in sink.nodes) == len(row.expected)
    count.matched += matches(sink.nodes, row.expected)


async def measure(engine: Engine, asked: list[Row], planner: LLMCompiler) -> Count:
    count = Count()
    limiter = AdaptiveLimiter(engine)
    limited = LimitedEngine(engine, limiter, "bfcl")
    start = time.perf_counter()
    async with anyio.create_task_group() as whole:
        whole.start_soon(limiter.adapt)
        async with anyio.create_task_group() as group:
            for row in asked:
                group.start_soon(plan, row, planner, limited, count)
        whole.cancel_scope.cancel()
    count.seconds = time.perf_counter() - start
    return count


async def main(most: int, model: str | None) -> None:
    asked = rows(FILE, most)
    planner = LLMCompiler(
        sampling=SAMPLING, min_steps=1, max_steps=8, max_replans=0, thoughts=False
    )
    repaired = replace(planner, max_repairs=2)
    async with local_engine(model or "smollm2") as engine:
        print(f"{engine.model}: {len(asked)} questions of {FILE}")
        under = await measure(engine, asked, planner)
        free = await measure(Free(engine), asked, replace(planner, max_repairs=0))
        mended = await measure(Free(engine), asked, repaired)
    print(
        table(
            ["", "valid", "parse errors", "matched", "right number", "tokens", "s"],
            [
                under.row("under the grammar"),
                free.row("without it"),
                mended.row("without it, repaired twice at most"),
            ],
        )
    )


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"the questions are not in {DATA}")
    number = int(sys.argv[1]) if sys.argv[1:] else 200
    print(machine())
    anyio.run(main, number, sys.argv[2] if sys.argv[2:] else None)
