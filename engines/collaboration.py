"""How several workers write one completion side by side (Rodionov et al. 2025, Hogwild! Inference). Pure data.

An engine with one attention cache for all of them does it in one call (`engines.hogwild`); a method can do something
like it over any engine with token ids.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Layout = Literal["combined", "contiguous", "interleaved"]
"""What a worker sees after the prompt (section 3.2).

    combined       the finished steps of all in the order of their ends, the others' current steps, its own
    contiguous     all that each of the others has written, one after another, and all that it has written itself
    interleaved    the finished steps of all in the order of their ends, its own current step
"""


class Collaboration(BaseModel):
    """Workers that write one completion side by side.

    What they write are steps, each after a header with the worker's name; a step ends with a blank line after a
    sentence. The completion is the transcript: the steps in the order of their ends, what was unfinished, and the
    closing where it came to one.

    Attributes:
        workers: Their names, one for each: none is empty, and none is there twice.
        layout: What they see of each other.
        header: What a step begins with, with `{name}` and `{number}`, which counts the worker's own steps from 1.
        others: What stands before the others' current steps.
        own: What stands before the worker's own.
        question: What a step begins with, after its header, when it is time to ask whether it repeats others' work.
        question_every: Tokens that all workers together generate between two such questions; 0 never asks.
        step_tokens: The most tokens of a step; a longer one ends there.
        pause: What ends a step that did not end by itself.
        banned: Texts that no worker may write, each one token of the model, beside its special tokens.
        answer: What stands before and after a final answer; a finished step that has one ends the work.
        closing: What is said to get the answer where the work ended without one; it ends with what stands before it.
        answer_tokens: The most tokens of the answer after that, taken off `Sampling.max_tokens`; 0 closes with none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: tuple[str, ...] = Field(min_length=1)
    layout: Layout = "combined"
    header: str = "**{name} [{number}]:** "
    others: str = "[What the others are writing]\n\n"
    own: str = "\n\n[What I am writing]\n\n"
    question: str = "Before I go on: has somebody done this already (yes or no)? "
    question_every: int = Field(default=256, ge=0)
    step_tokens: int = Field(default=256, ge=1)
    pause: str = "\n\n"
    banned: tuple[str, ...] = ("#", "</think>")
    answer: tuple[str, str] = ("\\boxed{", "}")
    closing: str = "From all of this, the final answer is \\boxed{"
    answer_tokens: int = Field(default=16, ge=0)

    @field_validator("workers")
    @classmethod
    def _check_names(cls, workers: tuple[str, ...]) -> tuple[str, ...]:
        """Workers are told apart by their names."""
        if not all(name.strip() for name in workers):
            raise ValueError("a worker has no name: give each of them one")
        if len(set(workers)) < len(workers):
            twice = next(name for name in workers if workers.count(name) > 1)
            raise ValueError(f"{twice!r} is the name of two workers: give each of them its own")
        return workers
