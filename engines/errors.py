"""The errors of forkjoin: one tree, drawn here; upper packages add leaves in their own `errors.py`.

    ForkjoinError               base of all; never raised itself
    ├── UsageError              the caller asked for something that cannot be (exit code 2)
    │   └── MissingExtra        an optional package is not installed
    ├── EngineError             an engine could not do a call (exit code 1)
    │   ├── RequestRejected     the engine refuses this request, and would again
    │   │   ├── ContextTooLong
    │   │   └── CapabilityMissing
    │   ├── EngineUnavailable   nothing answers, or it broke off; a later try may succeed (retryable)
    │   │   ├── EngineOverloaded    it works, but takes no more now
    │   │   └── CallTimedOut    no answer, or no further token, in the time given
    │   ├── NotAnEngine         something answers, but it speaks another protocol
    │   └── EngineDead          its process is gone, or it was closed
    ├── InvalidOutput           the model did not write what was asked for, however often (exit code 1)
    ├── BudgetExhausted         a budget is used up (exit code 1)
    ├── ModelPreparationFailed  the embedded model cannot be written to the cache
    └── RunError                a run could not go on (orchestrator)

A mistake in code, such as using an engine on a second event loop, is a `RuntimeError`, outside the tree.
"""

from __future__ import annotations

from typing import ClassVar


class ForkjoinError(Exception):
    """Anything that goes wrong for a reason a person can act on; the message says what to do.

    Attributes:
        retryable: Whether a later try may succeed.
        retry_after: Seconds after which whoever raised it wants to be asked again; None if it does not say.
        exit_code: Of the command line.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    retry_after: float | None = None


class UsageError(ForkjoinError):
    """The caller asked for something that cannot be."""

    exit_code = 2


class MissingExtra(UsageError):
    """An optional package is needed and not installed."""

    def __init__(self, purpose: str, extra: str | None = None) -> None:
        advice = f"run `uv pip install 'forkjoin[{extra}]'`"
        if extra is None:
            advice = (
                "run `make install` in a clone, or `uv pip install 'forkjoin[gpu]'` on a machine with a GPU, or use a "
                "server with --engine URL"
            )
        super().__init__(f"{purpose} is not installed: {advice}")


class EngineError(ForkjoinError):
    """An engine could not do a call."""


class RequestRejected(EngineError):
    """The engine refuses this request, and would refuse it again."""


class ContextTooLong(RequestRejected):
    """The context leaves no room for a token in the model's window."""

    def __init__(self, tokens: int, window: int, *, workers: int = 1) -> None:
        self.tokens = tokens
        self.window = window
        # Each of them has its name in what all read.
        fewer = f", take fewer than {workers:,} workers" if workers > 1 else ""
        super().__init__(
            f"the context has {tokens} tokens and the model's window is {window}: "
            f"shorten the question{fewer} or use a model with a larger window"
        )


class CapabilityMissing(RequestRejected):
    """This kind of engine cannot do what was asked of it."""


class EngineUnavailable(EngineError):
    """Nothing answers, or the engine broke off; a later try may succeed."""

    retryable = True


class EngineOverloaded(EngineUnavailable):
    """The engine works, but takes no more now."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class CallTimedOut(EngineUnavailable):
    """No answer, or no further token, came in the time given."""


class NotAnEngine(EngineError):
    """Something answers at the address, but it is no OpenAI-compatible server."""


class EngineDead(EngineError):
    """The engine's process is gone, or the engine was closed."""


class InvalidOutput(ForkjoinError):
    """The model did not write what was asked for, however often it was asked.

    Attributes:
        problem: What is wrong with what it wrote last.
        attempts: How often it was asked.
        tokens: What it generated in all of them, one after another.
    """

    def __init__(self, problem: str, attempts: int, tokens: int) -> None:
        self.problem = problem
        self.attempts = attempts
        self.tokens = tokens
        super().__init__(
            f"the model was asked {attempts} times and did not write what was asked for: {problem}: "
            f"use a larger model, more tokens, or an engine that enforces JSON schemas"
        )


class BudgetExhausted(ForkjoinError):
    """A budget is used up.

    Attributes:
        what: `tokens`, `calls`, `seconds` or `money`.
        used: How much of it is used or promised.
        limit: How much there was.
        place: Who asked for more.
        least: The smallest limit that would have let it go on, if that is known.
    """

    def __init__(
        self, what: str, used: float, limit: float, place: str, *, least: float | None = None
    ) -> None:
        self.what = what
        self.used = used
        self.limit = limit
        self.place = place
        self.least = least
        enough = "" if least is None else f", of at least {least:,.6g} {what}"
        super().__init__(
            f"budget exhausted: {used:,.6g} of {limit:,.6g} {what} used, and {place!r} needs more: "
            f"give a larger budget{enough}"
        )


class ModelPreparationFailed(ForkjoinError):
    """The embedded model could not be written to the cache."""


class RunError(ForkjoinError):
    """A run could not go on."""
