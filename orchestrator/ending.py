"""The end of a run: its last node's answer, the output that was asked for, the history, and what all of it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines import Context, ForkjoinError, Outcome, RunError
from planners import Plan
from reasoning import Answer

from .agent_settings import AgentSettings
from .budget import Purse
from .calls import Calls
from .errors import OutputFailed, RunFailed
from .history import Exchange, History, history_after
from .node_runner import Result
from .output import OUTPUT, Output, output_of
from .run_result import RunResult

PLANNER = "(planner)"
"""What the planner's calls are booked under; no node can be called so."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A run whose nodes have all ended.

    Attributes:
        plan: What ran.
        outcomes: What became of each node.
        root: The question, from which threads forked.
        settings: What the agent is made of.
        calls: Give the output its engine.
        purse: The budget.
        seconds: How long the run has taken.
        folder: Where its files are; None if it leaves none.
        history: What was asked and answered before; None if nothing was.
        planner_path: Tokens that the planner generated one after another.
        remarks: What a reader of the answer should know of the plan.
    """

    plan: Plan
    outcomes: Mapping[str, Outcome[Result]]
    root: Context
    settings: AgentSettings
    calls: Calls
    purse: Purse
    seconds: Callable[[], float]
    folder: Path | None
    history: History | None
    planner_path: int
    remarks: Sequence[str]

    @property
    def answer(self) -> Answer:
        """What the last node says.

        Raises:
            RunFailed: It says nothing.
        """
        return self._last.answer

    async def result(self) -> RunResult[Any]:
        """The result, once the answer has become what was asked for.

        Raises:
            RunFailed: There is no answer.
            OutputFailed: It did not become that; the error has the result without it.
            RunError: The run cannot go on.
        """
        plain = Output(value=self.answer.final)
        kind = self.settings.output
        if kind is None:
            return self._result(plain)
        try:
            output = await output_of(
                self.answer,
                self._last.data,
                kind,
                root=self.root,
                # What is kept back for the answer is for this too.
                engine=self.calls.of(OUTPUT, self.purse.run.child(OUTPUT)),
                sampling=self.settings.sampling,
            )
        except RunError:
            raise
        except ForkjoinError as error:
            message = f"the answer did not become {kind.name}: {error}{place_of(self.folder)}"
            raise OutputFailed(message, self._result(plain)) from error
        return self._result(output)

    @property
    def _last(self) -> Result:
        node = self.plan.answer
        last = self.outcomes[node]
        if not last.usable or last.value is None:
            raise RunFailed(
                f"the run has no answer: node {node!r} {last.status}: {last.reason}{place_of(self.folder)}",
                self.outcomes,
            )
        return last.value

    def _result(self, output: Output[Any]) -> RunResult[Any]:
        purse, last = self.purse, self._last
        usage = {
            name: purse.work.of(name).usage + purse.run.of(name).usage
            for name in (*(node.id for node in self.plan.nodes), PLANNER, OUTPUT)
        }
        reason = self.outcomes[self.plan.answer].reason
        return RunResult(
            answer=last.answer,
            output=output.value,
            plan=self.plan,
            outcomes=self.outcomes,
            history=self._history(last.answer),
            usage=purse.run.spent.usage,
            usage_by_node=usage,
            critical_path=self.planner_path + last.critical_path + output.critical_path,
            seconds=self.seconds(),
            folder=self.folder,
            remark="; ".join(filter(None, (*self.remarks, self._lost, reason))),
        )

    @property
    def _lost(self) -> str:
        """What failed on the way to the answer."""
        failed = [
            f"node {name!r} failed: {outcome.reason}"
            for name, outcome in self.outcomes.items()
            if outcome.status == "failed"
        ]
        return f"{failed[0]}{f' ({len(failed) - 1} more)' if failed[1:] else ''}" if failed else ""

    def _history(self, answer: Answer) -> History:
        context, text = answer.context, None
        # A thread of another node was asked something else, and a tool was asked nothing.
        if context is None or not self._is_of_last(context):
            context, text = self.root, answer.text
        exchange = Exchange(question=self.plan.question, answer=answer.final)
        fingerprint = self.settings.engine.fingerprint
        return history_after(self.history, exchange, context, text, fingerprint)

    def _is_of_last(self, context: Context) -> bool:
        """Whether the thread is that of the last node."""
        forks = context.lineage[len(self.root.lineage) :]
        return any(fork.name == self.plan.answer for fork in forks)


def place_of(folder: Path | None) -> str:
    """Where a person finds more, as the end of an error's message."""
    return "" if folder is None else f"; its events are in {folder}"
