"""What LLMCompiler says to the model. Pure.

The instructions come first and never change, so that every question, every further round and every repair finds them
in the KV cache. Whatever comes from a model or a tool is cut before it is said, so that no prompt grows without end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from ..notation import JOIN, THINK
from ..planner import Finding
from ..tool_specification import ToolSpecification

_LONGEST_RESULT = 2000
_LONGEST_REMARK = 400

_INSTRUCTIONS = f"""\
You split a question into steps that can run at the same time.
Write one step a line, numbered from 1. A step is {{steps}}. Use $1 for the result of step 1, and so on; refer to \
earlier steps only, and only where their result is needed. End with {JOIN}()."""
_CALLS = "a call of a tool, with arguments from the question"
_THOUGHTS = f'{THINK}("...") for a part that no tool can do'

PLACE_OF_ANSWER = "the answer"
"""What stands for an answer where the joiner is told what to write. Weak models copy it."""

_FINISH = json.dumps({"thought": "...", "action": "finish", "answer": PLACE_OF_ANSWER})
_REPLAN = json.dumps({"thought": "...", "action": "replan", "feedback": "what is missing"})


def instructions(
    tools: Iterable[ToolSpecification], methods: Iterable[str] = (), *, thoughts: bool = True
) -> str:
    """The planner's system prompt: what to do, the tools, an example that uses one of them."""
    tools = list(tools)
    listed = "\n".join(tool.listing for tool in tools) or "(none)"
    named = ", ".join(sorted(methods))
    steps = " or ".join([_CALLS] * bool(tools) + [_THOUGHTS] * thoughts)
    thinking = f'\n{THINK}("...", method="...") thinks by one of these: {named}.' if named else ""
    example = _example(tools, thoughts=thoughts)
    return (
        f"{_INSTRUCTIONS.format(steps=steps)}{thinking}\n\nTools:\n{listed}\n\nExample:\n{example}"
    )


def _example(tools: Sequence[ToolSpecification], *, thoughts: bool) -> str:
    """A plan for another question: weak models copy what they can, so that it must not fit every question."""
    if tools:
        question = f"Use {tools[0].name} for two things" + (
            ", and compare them." if thoughts else "."
        )
        steps = [tools[0].example(2), tools[0].example(7)]
        comparison = f'{THINK}("One is ${{1}}, the other ${{2}}. Which is more?")'
    else:
        question = "Which of the two towers is higher?"
        steps = [f'{THINK}("How high is the {age} tower?")' for age in ("older", "newer")]
        comparison = f'{THINK}("The towers measure ${{1}} and ${{2}}. Which one is higher?")'
    steps += [comparison] * thoughts
    numbered = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
    return "\n".join([f"Question: {question}", *numbered, f"{JOIN}()"])


def mend(problem: str, line: str, step: int) -> str:
    """Asks for the rest of a plan of which a line is wrong."""
    place = f"This line cannot be used: {shortened(line)}\n" if line else ""
    return (
        f"{place}Problem: {shortened(problem)}\n"
        f"The steps before it stand. Go on with step {step}, one step a line, and end with {JOIN}(). "
        f"In a text, $$ is a dollar sign."
    )


def go_on(step: int) -> str:
    """Asks for the rest of a plan that broke off."""
    return f"The plan broke off there. Go on with step {step}, and end with {JOIN}()."


def judge(findings: Mapping[str, Finding]) -> str:
    """Asks whether results answer the question: what became of steps, by number."""
    results = "\n".join(f"${step}: {_told(finding)}" for step, finding in findings.items())
    return (
        f"The results:\n{results}\n\n"
        f"Do they answer the question? Reply with one JSON object and nothing else: {_FINISH} if they do, "
        f"{_REPLAN} if further steps are needed."
    )


def next_round(step: int) -> str:
    """Asks for further steps."""
    return (
        f"Write the steps that are missing, numbered from {step}. The results above can be used, such as $1; do not "
        f"repeat a step that has a result. End with {JOIN}()."
    )


def shortened(text: str, most: int = _LONGEST_REMARK) -> str:
    """A text that others wrote, cut where it is too long.

    >>> shortened("abcdefgh", 3)
    'abc... (8 characters)'
    """
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def _told(finding: Finding) -> str:
    if not finding.usable:
        return f"no result, {finding.status}: {shortened(finding.reason)}"
    cut = f" ({shortened(finding.reason)})" if finding.reason else ""
    return f"{shortened(finding.text, _LONGEST_RESULT)}{cut}"
