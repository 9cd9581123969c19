"""How many prompt tokens a plan would send, and how many of them stand in the KV cache already. Pure.

Texts are measured by their characters, and of results it is known only what generates them: an estimate, for which no
model is asked. It follows how contexts are made (`node_runner.py`): threads fork from the question or go on after
another thread, and what two contexts have in common is sent twice and computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planners import Call, Conclude, Node, Plan, Reference, Template, Think

from ..execution.critical_path import ExpectedSeconds

_CHARACTERS_PER_TOKEN = 4
# What stands around a question, and around a prompt: marks of the chat template, and an instruction to think.
_AROUND_QUESTION = 10
_AROUND = 30
# A result as it stands in another prompt: mostly a name, a number or a sentence.
_RESULT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEstimate:
    """What the calls of a node, or of a whole plan, would come to.

    Attributes:
        prompt: Tokens of the contexts sent.
        shared: Of these, the ones that an earlier context begins with too.
        generated: Tokens sampled.
    """

    prompt: int = 0
    shared: int = 0
    generated: int = 0

    def __add__(self, other: TokenEstimate) -> TokenEstimate:
        return TokenEstimate(
            prompt=self.prompt + other.prompt,
            shared=self.shared + other.shared,
            generated=self.generated + other.generated,
        )


def estimate_tokens(
    plan: Plan,
    expected: ExpectedSeconds,
    *,
    threads: Callable[[Node], int] = lambda node: 1,
    calls: Callable[[Node], int] = lambda node: 1,
    question: str = "",
) -> Mapping[str, TokenEstimate]:
    """What each node's calls would come to, in the order of the plan.

    Args:
        plan: Its nodes are in an order that can be run.
        expected: What a thread generates.
        threads: How many threads a node that generates has, side by side.
        calls: How many calls each of them makes, one after another: each sends what the one before sent and said.
        question: What is asked, where it is not what the plan is for.
    """
    estimating = _Estimating(
        expected, threads, calls, _tokens(question or plan.question) + _AROUND_QUESTION
    )
    return {node.id: estimating.of(node) for node in plan.nodes}


class _Estimating:
    def __init__(
        self,
        expected: ExpectedSeconds,
        threads: Callable[[Node], int],
        calls: Callable[[Node], int],
        question: int,
    ) -> None:
        self._expected = expected
        self._threads = threads
        self._calls = calls
        self._question = question
        self._question_is_there = False
        # What a thread that goes on after a node begins with, and what a reduction reads of it.
        self._contexts: dict[str, int] = {}
        self._texts: dict[str, int] = {}

    def of(self, node: Node) -> TokenEstimate:
        generated = round(self._expected.tokens_of(node))
        own = _AROUND + self._said(node)
        self._texts[node.id] = generated or own
        before = self._before(node)
        self._contexts[node.id] = before + own + generated
        if not generated:
            return TokenEstimate()
        threads = self._threads(node)
        # The first thread computes what it adds; the question is computed by the first of all.
        first = before if before > self._question or self._question_is_there else 0
        self._question_is_there = True
        later = self._calls(node) - 1
        # The n-th of the later calls sends what n calls have said, each as much as the others.
        again = round(threads * later * (before + own + generated / 2))
        return TokenEstimate(
            prompt=threads * (before + own) + again,
            shared=first + (threads - 1) * (before + own) + again,
            generated=threads * generated,
        )

    def _before(self, node: Node) -> int:
        if isinstance(node, Think) and node.after is not None:
            return self._contexts.get(node.after, self._question)
        return self._question

    def _said(self, node: Node) -> int:
        if isinstance(node, Think):
            return _text_tokens(node.prompt)
        if isinstance(node, Conclude):
            return _text_tokens(node.text)
        if isinstance(node, Call):
            return _tokens(str(node.arguments)) + _RESULT
        return sum(self._texts.get(name, _RESULT) for name in node.inputs)


def _text_tokens(text: str | Template) -> int:
    parts = (text,) if isinstance(text, str) else text.parts
    return sum(_RESULT if isinstance(part, Reference) else _tokens(part) for part in parts)


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
