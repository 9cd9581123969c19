"""What can go wrong while a plan runs, as leaves of `engines.errors`.

ForkjoinError
├── UsageError
│   ├── ToolDefinitionError   a function cannot be a tool, or a tool cannot be loaded
│   ├── InvalidRequest        a request in the format of OpenAI that cannot be honoured
│   │   └── UnknownModel      it names a model that is not here
│   ├── BatchUnusable         a batch's input or work file does not fit
│   ├── RunInUse              another process works on the run
│   └── RunUnreadable         there is no such run, or it cannot be read
├── RunError
│   ├── RunFailed             the run came to no answer
│   │   └── RunRefused        since its budget or the model's window had no room for it
│   ├── RunDeferred           it waits for calls that somebody outside has to make
│   ├── OutputFailed          it came to an answer, but not to the output that was asked for
│   ├── JournalError          the journal cannot be written or read
│   ├── BatchFileError        a batch's files cannot be written or read
│   └── RunFolderError        the run folder cannot be written
└── ToolError                 a call of a tool failed: its node fails, the run goes on
    ├── ToolRefused           whoever had to approve the call did not
    ├── ToolUnavailable       a tool asks to be called again later (retryable)
    └── ToolUnfinished        it was begun before the run died, and may not be repeated
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engines import ForkjoinError, RunError, Usage, UsageError

from .deferral import DeferredCall

if TYPE_CHECKING:
    from planners import Plan


# A plan may have thousands.
_MOST_NAMED = 8


class ToolDefinitionError(UsageError):
    """A function cannot be a tool, or a tool cannot be loaded."""


class InvalidRequest(UsageError):
    """A request in the format of OpenAI that cannot be honoured.

    Attributes:
        field: What of it, such as `temperature`; empty where it is the whole.
    """

    def __init__(self, message: str, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class UnknownModel(InvalidRequest):
    """A request names a model that is not here.

    Attributes:
        known: The models that are.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.known = tuple(known)
        shown = name if len(name) <= 200 else f"{name[:200]}..."
        super().__init__(
            f"there is no model {shown!r} here: choose from {', '.join(known)}, each alone or as MODEL@METHOD",
            "model",
        )


class BatchUnusable(UsageError):
    """The input of a batch cannot be read, or its work file was begun with another input or other settings."""


class RunInUse(UsageError):
    """Another process works on the run.

    Attributes:
        pid: The process.
    """

    def __init__(self, message: str, pid: int) -> None:
        self.pid = pid
        super().__init__(message)


class RunUnreadable(UsageError):
    """There is no such run, or it cannot be read."""


class ToolError(ForkjoinError):
    """A call of a tool failed."""


class ToolRefused(ToolError):
    """Whoever had to approve a call did not; it never began."""


class ToolUnavailable(ToolError):
    """A tool cannot answer now, but may later: raised by a tool, it is called again."""

    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ToolUnfinished(ToolError):
    """A tool that may not be repeated was called, and the run died before it ended: nobody knows how far it came.

    Attributes:
        node: The node that called it.
        tool: Its name.
        arguments: What it was called with.
    """

    def __init__(self, node: str, tool: str, arguments: Mapping[str, Any]) -> None:
        self.node = node
        self.tool = tool
        self.arguments = arguments
        shown = json.dumps(arguments)
        shown = shown if len(shown) <= 200 else f"{shown[:200]}..."
        super().__init__(
            f"{tool} was called with {shown} and had not ended when the run died: see whether it took effect, and "
            f"resume with --repeat {node} to call it again"
        )


class JournalError(RunError):
    """The journal of a run cannot be written or read.

    Attributes:
        result: The `RunResult`, if only what was spent last could not be written any more.
    """

    result: Any = None


class BatchFileError(RunError):
    """The files of a batch cannot be written or read."""


class RunFailed(RunError):
    """The run came to no answer.

    Attributes:
        outcomes: What became of each node that had ended: an `Outcome` of a `Result`.
    """

    def __init__(self, message: str, outcomes: Mapping[str, Any]) -> None:
        self.outcomes = outcomes
        super().__init__(message)


class RunRefused(RunFailed):
    """The run came to no answer, since what was asked had no room; a larger budget or a shorter question may have.

    Attributes:
        what: What had none: `window`, or `budget`.
    """

    def __init__(
        self, message: str, outcomes: Mapping[str, Any], what: Literal["window", "budget"]
    ) -> None:
        self.what = what
        super().__init__(message, outcomes)


class RunDeferred(RunError):
    """The run waits for calls that somebody outside has to make; nothing else is left that could run.

    Go on with `resume(folder, results={call.node: what it gave, or a ToolError})`.

    Attributes:
        calls: In the order of the plan.
        folder: The run's.
        plan: So far.
        usage: Of all calls of the engine so far.
        reason: Which calls these are, for a person.
    """

    def __init__(
        self, calls: Sequence[DeferredCall], *, folder: Path, plan: Plan, usage: Usage
    ) -> None:
        self.calls = tuple(calls)
        self.folder = folder
        self.plan = plan
        self.usage = usage
        told = [f"node {call.node!r} ({call.tool})" for call in self.calls[:_MOST_NAMED]]
        more = f" and {len(self.calls) - _MOST_NAMED} more" if self.calls[_MOST_NAMED:] else ""
        self.reason = f"the run waits for what comes of {', '.join(told)}{more}"
        super().__init__(
            f"{self.reason}: go on with agent.resume({str(folder)!r}, results={{node: ...}})"
        )


class OutputFailed(RunError):
    """The run came to an answer, but the answer did not become a value of the type that was asked for.

    Attributes:
        result: The `RunResult`, whose output is the final answer's text.
    """

    def __init__(self, message: str, result: Any) -> None:
        self.result = result
        super().__init__(message)


class RunFolderError(RunError):
    """The run folder cannot be written.

    Attributes:
        result: The `RunResult`, if only its files could not be written any more.
    """

    result: Any = None
