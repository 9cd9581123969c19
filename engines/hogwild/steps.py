r"""How a step begins, when it ends and whether it has the answer (Rodionov et al. 2025, section 3.3). Pure.

    **Alice [2]:** So it is even.\n\n      a step: what was put in for its worker, and what that wrote
    |-- opening --|--- written ---|

They know text only: no ids, no cache, no other worker. A collaboration over one cache and one over a blackboard stand
on the same ones.
"""

from __future__ import annotations

import re
import string

from ..collaboration import Collaboration

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_ENDS_OF_SENTENCES = tuple(".!?…\u3002\uff01\uff1f")  # the last three are Chinese
# What may stand between the end of a sentence and the blank line; the backslash is for "\]" and "\)".
_AFTER_A_SENTENCE = string.whitespace + "\"'`\u201d\u2019\u00bb)]}>*_~$\\"
_BRACKETS = ("()", "[]", "{}", "<>")


def end_of_step(written: str, seen: int = 0, answer: tuple[str, str] = ("", "")) -> int | None:
    r"""Where the first step ends in what its worker wrote: behind the blank line after a sentence. None if nowhere.

    A sentence has a letter or a digit and ends in punctuation; quotes, brackets and marks may close after that. A colon
    ends none: what it announces belongs to the same step. A step that has its answer ends without a sentence, too.

    Args:
        written: What the worker wrote since the step's opening.
        seen: How much of it was looked at before: the end lies behind that.
        answer: What stands before and after an answer.

    >>> end_of_step("So it is **even.**\n\nThen"), end_of_step("It holds:\n\n"), end_of_step("...\n\n")
    (20, None, None)
    """
    # The first newline may have been seen already.
    start = len(written[:seen].rstrip())
    for blank in _BLANK_LINE.finditer(written, start):
        before = written[: blank.start()]
        if blank.end() > seen and (_ends_a_sentence(before) or final_answer(before, answer)):
            return blank.end()
    return None


def _ends_a_sentence(text: str) -> bool:
    said = text.rstrip(_AFTER_A_SENTENCE)
    return said.endswith(_ENDS_OF_SENTENCES) and any(map(str.isalnum, said))


def answers(text: str, marks: tuple[str, str]) -> list[str]:
    r"""What stands between the marks of an answer, empty ones too, in the order in which they are opened.

    Brackets in an answer are counted, so that it ends where its own is closed; escaped ones are text.

    Args:
        text: What is searched.
        marks: What stands before and after an answer, as in `Collaboration.answer`; empty ones mark none.

    >>> answers(r"\boxed{\frac{1}{2}}, \boxed{}, \boxed{\{3", ("\\boxed{", "}"))
    ['\\frac{1}{2}', '']
    """
    opening, closing = marks
    if not opening or not closing:
        return []
    # "\boxed{" is closed by the brace of its own, and "{" opens another; "<answer>" nests with itself only.
    nested = opening[-1] if opening[-1] + closing in _BRACKETS else opening
    mark = re.compile(rf"{re.escape(closing)}|{re.escape(nested)}|\\.", re.DOTALL)
    opened: list[int] = []
    ends: dict[int, int] = {}
    for found in mark.finditer(text):
        if found[0] == closing and opened:
            ends[opened.pop()] = found.start()
        elif found[0] == nested:
            opened.append(found.end())
    starts = [found.end() for found in re.finditer(re.escape(opening), text)]
    return [text[start : ends[start]] for start in starts if start in ends]


def final_answer(text: str, marks: tuple[str, str]) -> str | None:
    r"""The last answer in a text that is closed and not empty, or None.

    >>> final_answer(r"\boxed{41}, no, \boxed{42} and not \boxed{ }", ("\\boxed{", "}"))
    '42'
    """
    return next((said for answer in answers(text, marks)[::-1] if (said := answer.strip())), None)


class Openings:
    """What the workers' steps begin with: a header, and the question whenever its time has come.

    The question comes to whoever begins a step after all together have generated more than `question_every` tokens
    since the one before.

    >>> openings = Openings(Collaboration(workers=("Alice", "Bob"), question="Again? ", question_every=8))
    >>> openings.next(0)
    '**Alice [1]:** '
    >>> openings.count(9)
    >>> openings.next(0), openings.next(1)
    ('**Alice [2]:** Again? ', '**Bob [1]:** ')
    """

    def __init__(self, collaboration: Collaboration) -> None:
        self._collaboration = collaboration
        self._begun = [0] * len(collaboration.workers)
        self._unasked = 0

    def count(self, tokens: int = 1) -> None:
        """Tells of tokens that workers generated."""
        self._unasked += tokens

    def next(self, worker: int) -> str:
        """What the next step of the worker with this number begins with."""
        self._begun[worker] += 1
        return self._header(worker) + self._question()

    def _header(self, worker: int) -> str:
        # No str.format: other braces in a header are text.
        header = self._collaboration.header.replace("{number}", str(self._begun[worker]))
        return header.replace("{name}", self._collaboration.workers[worker])

    def _question(self) -> str:
        every = self._collaboration.question_every
        if every == 0 or self._unasked <= every:
            return ""
        self._unasked = 0
        return self._collaboration.question
