"""The joiner: reads what the plan gave, and finishes with an answer or asks for further steps (Kim et al. 2024).

results ─> model ─> {"thought", "action": "finish", "answer"} or {"thought", "action": "replan", "feedback"}

It answers in JSON, so that an answer may hold brackets, line breaks and the word "replan", and what says nothing of
use is never taken for an answer. It knows no plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engines import Sampling, converse

from ..asking import Asked, ask
from ..planner import Finding
from .conversation import Conversation
from .prompts import PLACE_OF_ANSWER, judge

# A weak model fills a text to its end. Answers have none, since under a limit xgrammar lets no text hold a quote or a
# line break.
_SHORT = {"type": "string", "maxLength": 300}

# In tokens: an answer has no end of its own, and a weak model finds none either. What needs more is for a reducer.
_LONGEST_VERDICT = 384

# LaTeX in JSON: `\boxed` is a backspace and `oxed`, and no answer holds a backspace.
_MEANT = {8: "\\b", 12: "\\f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the joiner says of the results.

    Attributes:
        action: Whether they are enough.
        text: The answer, or what is missing.
    """

    action: Literal["finish", "replan"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joiner:
    """Asks the model what it makes of the results.

    Attributes:
        sampling: How to sample; its constraint is replaced.
        attempts: How often it is asked until its answer can be used.
    """

    sampling: Sampling
    attempts: int

    async def judge(
        self, conversation: Conversation, findings: Mapping[str, Finding], name: str
    ) -> Asked[Verdict]:
        """The model's verdict, on a fork of the conversation called `name`, which goes on from there."""
        engine = conversation.engine
        question = await converse(
            engine, [("user", judge(findings))], after=conversation.context, name=name
        )
        limit = min(self.sampling.max_tokens, _LONGEST_VERDICT)
        sampling = self.sampling.model_copy(update={"max_tokens": limit})
        asked = await ask(
            engine, question, SCHEMA, sampling, check=read_verdict, attempts=self.attempts
        )
        conversation.context = asked.context
        conversation.tokens += asked.critical_path
        return asked


def read_verdict(said: Mapping[str, Any]) -> Verdict:
    """The verdict in JSON data of the schema.

    Raises:
        ValueError: The answer is empty, or what the prompt has in its place.
    """
    if said["action"] == "replan":
        return Verdict(action="replan", text=said["feedback"])
    answer = said["answer"]
    text = answer if isinstance(answer, str) else json.dumps(answer)
    if not text.strip() or text == PLACE_OF_ANSWER:
        raise ValueError("at $.answer: it is no answer")
    return Verdict(action="finish", text=text.translate(_MEANT).strip())


def _schema(action: str, name: str, text: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"thought": _SHORT, "action": {"const": action}, name: text}
    return {"type": "object", "properties": properties, "required": ["action", name]}


SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        _schema("finish", "answer", {"type": ["string", "number"]}),
        _schema("replan", "feedback", _SHORT),
    ]
}
"""What a verdict looks like."""
