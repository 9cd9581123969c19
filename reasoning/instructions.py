"""What methods say to the model beside the question, where the question says itself how to answer. Pure."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from .chain_of_thought import INSTRUCTION

T = TypeVar("T")


def without_instruction(method: T) -> T:
    """The same method, and the methods inside of it, for questions that bring an instruction of their own.

    Only the usual instruction goes; one that somebody chose stays.

    >>> from reasoning import ChainOfThought, SelfConsistency
    >>> without_instruction(SelfConsistency(method=ChainOfThought(instruction="In French."))).method.instruction
    'In French.'
    >>> without_instruction(SelfConsistency()).method.instruction
    ''
    """
    if not is_dataclass(method):
        return method
    changed: dict[str, Any] = {}
    for field in fields(method):
        held = getattr(method, field.name)
        if field.name == "instruction" and held == INSTRUCTION:
            changed[field.name] = ""
        elif is_dataclass(held) and (inner := without_instruction(held)) is not held:
            changed[field.name] = inner
    return replace(method, **changed) if changed else method  # type: ignore[type-var]  # it has fields
