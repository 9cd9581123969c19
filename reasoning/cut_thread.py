"""What a thread had said when it was cut, as JSON data.

How far it had come depends on time, so a journal keeps it with the decision to cut it. Its logprobs are too many to be
kept; the confidence that they came to is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engines import Usage

from .answer import Answer
from .extraction import extract_answer
from .voting.confidence import Confidence


def cut_data(answer: Answer) -> dict[str, Any]:
    """As much of an answer as there is of a thread that was cut."""
    return {
        "text": answer.text,
        "token_ids": answer.token_ids,
        "usage": answer.usage.model_dump(),
        "critical_path": answer.critical_path,
        "confidence": answer.confidence and asdict(answer.confidence),
        "remark": answer.remark,
    }


def cut_answer(data: Mapping[str, Any]) -> Answer:
    """The answer again: truncated, and nothing can go on from it."""
    return Answer(
        text=data["text"],
        value=extract_answer(data["text"]),
        token_ids=tuple(data["token_ids"]),
        usage=Usage(**data["usage"]),
        critical_path=data["critical_path"],
        truncated=True,
        confidence=data["confidence"] and Confidence(**data["confidence"]),
        remark=data["remark"],
    )
