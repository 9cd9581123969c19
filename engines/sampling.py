"""How to sample one completion. Frozen, so that it can be logged, hashed and sent."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .collaboration import Collaboration


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Frozen):
    """The completion is exactly one of these texts."""

    kind: Literal["choice"] = "choice"
    options: tuple[str, ...] = Field(min_length=1)

    @property
    def value(self) -> list[str]:
        """As vLLM's structured outputs take it."""
        return list(self.options)


class Regex(_Frozen):
    """The completion matches this regular expression as a whole."""

    kind: Literal["regex"] = "regex"
    pattern: str

    @property
    def value(self) -> str:
        """As vLLM's structured outputs take it."""
        return self.pattern


class JsonSchema(_Frozen):
    """The completion is JSON that satisfies this schema."""

    kind: Literal["json"] = "json"
    definition: dict[str, JsonValue]

    @property
    def value(self) -> dict[str, Any]:
        """As vLLM's structured outputs take it."""
        return self.definition


class Grammar(_Frozen):
    """The completion is derived from `root` in this grammar (GBNF notation)."""

    kind: Literal["grammar"] = "grammar"
    rules: str

    @property
    def value(self) -> str:
        """As vLLM's structured outputs take it."""
        return self.rules


Constraint = Annotated[Choice | Regex | JsonSchema | Grammar, Field(discriminator="kind")]


class Sampling(_Frozen):
    """How to sample one completion.

    Attributes:
        max_tokens: The most tokens to generate; less is left where the model's window ends first.
        temperature: 0 is greedy.
        top_p: Nucleus mass, in (0, 1].
        top_k: Only this many most likely tokens; 0 is all.
        seed: Makes a completion repeatable on one engine, 0 to 2**63 - 1; None draws anew.
        stop: Texts that end the completion; they are cut from its text.
        stop_token_ids: Token ids that end the completion.
        ignore_eos: Whether to go on after the model's end of sequence.
        constraint: What the completion has to look like, enforced while decoding.
        logprobs: Reports how likely each token was, and so many of the likeliest beside it; None reports nothing.
        collaboration: Workers that write the completion side by side, each with a seed of its own, and `max_tokens`
            together; None is one writer. There are no stop texts, constraints and logprobs then.
    """

    max_tokens: int = Field(default=512, ge=1)
    temperature: float = Field(default=0.7, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    constraint: Constraint | None = None
    logprobs: int | None = Field(default=None, ge=0, le=20)
    collaboration: Collaboration | None = None

    def for_branch(self, path: str) -> Sampling:
        """The same with a seed of its own for the branch at `path`; unseeded stays unseeded.

        Branches then differ from each other, and each repeats itself whatever the others do.
        """
        if self.seed is None:
            return self
        digest = hashlib.sha256(f"{self.seed}:{path}".encode()).digest()
        return self.model_copy(update={"seed": int.from_bytes(digest[:4], "big")})
