"""What a lesson comes to: pairs of a context and what is to be said after it, as token ids."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """One call.

    Attributes:
        context: The ids of the prompt.
        completion: The ids that the model is to generate, with what ends the call.
        learned: Whether there is a loss on the completion; if not, it is only read by what comes after it.
    """

    context: tuple[int, ...]
    completion: tuple[int, ...]
    learned: bool = True
