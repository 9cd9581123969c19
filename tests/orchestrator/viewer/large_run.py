"""Large runs that nobody ran: folders with events, a journal and samples, made up from a seed, as real ones have them.

write_large_plan(folder, nodes=10_000)        a plan of calls, threads and reductions
write_large_search(folder, threads=10_000)    one node, which is a search: waves, scores, pruned branches
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import Sampling, Usage
from orchestrator import (
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    PlanFinished,
    RunFinished,
    RunStarted,
)
from orchestrator.events import Event
from orchestrator.journal.schema import WIDTHS, connect
from orchestrator.runs.run_folder import line_of
from planners import Call, Node, Reduce, Think

_WORDS = (
    "so",
    "the",
    "number",
    "is",
    "even",
    "prime",
    "sum",
    "of",
    "two",
    "steps",
    "then",
    "check",
    "it",
    "again",
)
QUESTION = "How many lattice points lie inside?"


@dataclass
class LargeRun:
    """Events and rows of a run as they come.

    Attributes:
        chance: What is made up comes from it.
    """

    chance: random.Random
    events: list[Event] = field(default_factory=list)
    rows: dict[str, list[Sequence[Any]]] = field(
        default_factory=lambda: {name: [] for name in ("contexts", "calls", "tools", "decisions")}
    )
    usage: Usage = Usage()
    ids: int = 0
    calls: int = 0

    def new_id(self) -> int:
        self.ids += 1
        return self.ids

    def context(self, parent: int, name: str | None, role: str, text: str) -> int:
        id = self.new_id()
        self.rows["contexts"].append((id, b"", parent, name, role, text, None))
        return id

    def call(self, node: str, path: str, context: int, start: float, end: float) -> int:
        """A call with its events; gives its id, which is that of the context that it made."""
        prompt = self.chance.randrange(200, 900)
        usage = Usage(
            prompt_tokens=prompt,
            cached_tokens=self.chance.randrange(prompt),
            generated_tokens=self.chance.randrange(40, 400),
        )
        reason = "length" if self.chance.random() < 0.05 else "stop"
        id, self.calls, self.usage = self.new_id(), self.calls + 1, self.usage + usage
        text = self.words(min(60, usage.generated_tokens))
        numbers = usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens, 0
        row = (id, b"", reason, None, end, context, 1, 0, start, None, *numbers, text, None, 0, 0)
        self.rows["calls"].append(row)
        self.events += [
            GenerationStarted(time=start, node=node, call=self.calls, path=path),
            GenerationFinished(
                time=end,
                node=node,
                call=self.calls,
                path=path,
                usage=usage,
                finish_reason="length" if reason == "length" else "stop",
                seconds=end - start,
            ),
        ]
        return id

    def words(self, count: int) -> str:
        return " ".join(self.chance.choices(_WORDS, k=count))

    def write(
        self, folder: Path, samples: Sequence[Any], answer: str | None, seconds: float
    ) -> Path:
        """Writes the folder, as of a run that has ended; without an answer, of one that nobody works on any more."""
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(
            "schema_version: 1\nstarted: '2026-11-27T06:00:00.000+00:00'\n"
            f"question: {QUESTION}\nplanner: GivenPlanner()\nmethod: SelfConsistency()\n"
        )
        first = RunStarted(question=QUESTION, model="made-up", name=folder.name)
        last: list[Event] = []
        if answer is not None:
            critical = self.usage.generated_tokens // 10
            last = [
                RunFinished(
                    time=seconds,
                    status="ok",
                    answer=answer,
                    usage=self.usage,
                    critical_path=critical,
                )
            ]
        self.events.sort(key=lambda event: event.time)
        with (folder / "events.jsonl").open("w") as file:
            for event in (first, *self.events, *last):
                file.write(event.model_dump_json(by_alias=True) + "\n")
        with closing(connect(folder / "journal.sqlite")) as journal:
            journal.execute("BEGIN")
            sampling = Sampling().model_dump_json(exclude={"seed"})
            journal.execute("INSERT INTO requests VALUES (1, ?, 'made-up')", (sampling,))
            for table, rows in self.rows.items():
                marks = ",".join("?" * WIDTHS[table])
                journal.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            journal.execute("COMMIT")
        if answer is not None:
            (folder / "samples.jsonl").write_text("".join(map(line_of, samples)))
        return folder


def write_large_plan(
    folder: Path, nodes: int = 10_000, *, ended: bool = True, seed: int = 0
) -> Path:
    """A run of a plan with so many nodes: calls of tools, threads and reductions, in about 25 layers."""
    run = LargeRun(random.Random(seed))
    root = run.context(0, "root", "user", QUESTION)
    width = max(1, nodes // 25)
    ends: dict[str, float] = {}
    for node in _plan(run.chance, nodes, width):
        run.events.append(NodePlanned(time=0.001 * len(ends), node=node))
        start = max([0.001 * len(ends), *(ends[name] for name in node.dependencies)]) + 0.01
        end = ends[node.id] = round(start + run.chance.uniform(0.2, 4.0), 6)
        run.events.append(NodeStarted(time=start, node=node.id))
        result = _carried_out(run, node, root, start, end)
        finished = NodeFinished(time=end, node=node.id, status="ok", result=result)
        lost = NodeFinished(time=end, node=node.id, status="failed", reason="the server is gone")
        run.events.append(lost if result is None else finished)
    run.events.append(PlanFinished(time=0.001 * nodes, text=""))
    last = max(ends.values())
    return run.write(folder, (), "42" if ended else None, last + 0.01)


def _plan(chance: random.Random, nodes: int, width: int) -> Iterator[Node]:
    for number in range(nodes):
        id = f"n{number}"
        before = range(max(0, number - 2 * width), max(0, number - width))
        numbers = chance.sample(before, min(len(before), chance.choice((1, 1, 2, 3))))
        needs = [f"n{one}" for one in numbers]
        kind = chance.random()
        if number == nodes - 1 or (needs and kind < 0.1):
            yield Reduce(id=id, inputs=tuple(needs or ["n0"]), reducer="majority")
        elif kind < 0.4:
            arguments = {name: {"$ref": name} for name in needs}
            yield Call.model_validate({"id": id, "tool": "add", "arguments": arguments})
        else:
            parts = [f"Step {number} ", *({"$ref": name} for name in needs)]
            yield Think.model_validate({"id": id, "prompt": {"$text": parts}})


def _carried_out(run: LargeRun, node: Node, root: int, start: float, end: float) -> Any:
    if run.chance.random() < 0.01 and node.id != "n0":
        return None
    if isinstance(node, Call):
        arguments = json.dumps({"a": run.chance.randrange(100), "b": run.chance.randrange(100)})
        result = run.chance.randrange(200)
        row = (run.new_id(), b"", node.id, "add", arguments, start, end, "finished", str(result))
        run.rows["tools"].append(row)
        return result
    context = run.context(root, node.id, "user", f"Step of {node.id}.")
    run.call(node.id, f"root/{node.id}", context, start + 0.005, end - 0.005)
    return f"the answer of {node.id} is {run.chance.randrange(100)}"


def write_large_search(
    folder: Path, threads: int = 10_000, *, ended: bool = True, seed: int = 0
) -> Path:
    """A run of one search with so many steps, of which most are passed over."""
    run = LargeRun(random.Random(seed))
    width = max(4, threads // 20)
    root = run.context(0, "root", "user", QUESTION)
    prompt = run.context(root, "n0", "assistant", "")
    run.events += [
        NodePlanned(time=0.001, node=Think(id="n0", prompt="", method="rebase")),
        PlanFinished(time=0.002, text=""),
        NodeStarted(time=0.003, node="n0"),
    ]
    leaves = {"": (prompt, "root/n0")}
    samples: dict[str, dict[str, Any]] = {}
    scores: dict[str, float] = {"": 0.0}
    steps, time, wave = 0, 0.01, 0
    while steps < threads:
        kept = sorted(leaves, key=lambda key: -scores[key])[: max(1, width // 4)]
        children = max(1, min(width, threads - steps) // len(kept))
        chosen = [[key, children] for key in sorted(kept)]
        told = [[key, round(scores[key], 4)] for key in sorted(leaves)]
        value = json.dumps([chosen, "", told])
        run.rows["decisions"].append((f"root/n0#select-{wave}", value, time))
        grown: dict[str, tuple[int, str]] = {}
        for parent in sorted(kept):
            context, path = leaves[parent]
            for number in range(min(children, threads - steps)):
                key = f"{parent}/{number}" if parent else str(number)
                place = f"{path}/step-{number}"
                fork = run.context(context, f"step-{number}", "assistant", "")
                end = round(time + run.chance.uniform(0.5, 2.0), 6)
                said = run.call("n0", place, fork, time, end)
                scores[key] = min(1.0, max(0.0, scores[parent] + run.chance.gauss(0.05, 0.2)))
                grown[key] = said, place
                samples[key] = _sample(place, scores[key])
                steps += 1
        for key in leaves.keys() - set(kept):
            samples[key].update(status="cancelled", reason="passed over")
        leaves, time, wave = grown, time + 2.1, wave + 1
    best = max(leaves, key=lambda key: scores[key])
    for depth in range(best.count("/") + 1):
        samples["/".join(best.split("/")[: depth + 1])]["chosen"] = True
    for key, sample in samples.items():
        parent = key.rpartition("/")[0]
        if parent:
            samples[parent]["threads"].append(sample)
    run.events.append(NodeFinished(time=time, node="n0", status="ok", result="42"))
    top = [sample for key, sample in samples.items() if "/" not in key]
    return run.write(folder, [{"id": "n0", "threads": top}], "42" if ended else None, time + 0.01)


def _sample(path: str, score: float) -> dict[str, Any]:
    return {
        "path": path,
        "status": "ok",
        "reason": "",
        "chosen": False,
        "score": round(score, 4),
        "answer": "42" if score > 0.5 else "17",
        "threads": [],
    }
