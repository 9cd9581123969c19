"""How questions are put to a model, for kinds of answers. Pure text."""

from __future__ import annotations

MATHEMATICS = "{problem}\n\nThink step by step, and put the final answer within \\boxed{}."

SHORT_ANSWER = (
    "{problem}\n\n"
    "Think step by step, and put the final answer, in as few words as possible, within \\boxed{}."
)

CHOICE = (
    "{problem}\n\n{choices}\n\n"
    "Think step by step, and put the letter of the right choice within \\boxed{}."
)

EXPRESSION = (
    "Make {target} of the numbers {numbers}: use each of them exactly once, with +, -, *, / and "
    "brackets.\n\n"
    "Think step by step, and put the expression within \\boxed{}."
)

CALLS = (
    "{problem}\n\n"
    "Answer with calls of these functions, described as JSON:\n\n{functions}\n\n"
    "Write all the calls that the question needs as one list on a line of its own, and nothing after it, such as "
    '[first(a=1, b="x"), second(c=[2, 3])].'
)
