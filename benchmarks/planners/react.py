"""A ReAct loop (Yao et al. 2023): think, act, look, one step after another. What LLMCompiler is compared with.

It runs on the same engine and the same tools, and like LLMCompiler it keeps its prefix in the KV cache.
"""

import re
from collections.abc import Sequence

from engines import Engine, Sampling, converse
from orchestrator import Tool
from orchestrator.resolve import as_text, resolve
from planners import Call, PlanParser

_ACTION = re.compile(r"^Action: (.*)$", re.MULTILINE)
_FINISH = re.compile(r"Finish\[(.*)\]", re.DOTALL)
_INSTRUCTIONS = "Answer the question by turns of Thought, Action and Observation; end with Finish[answer]. Tools:\n"


async def react(question: str, tools: Sequence[Tool], engine: Engine, *, most: int = 20) -> str:
    """The answer that the model comes to in at most so many turns."""
    specifications = {tool.specification.name: tool.specification for tool in tools}
    callables = {tool.specification.name: tool for tool in tools}
    listed = "\n".join(one.signature for one in specifications.values())
    context = await converse(
        engine,
        [("system", _INSTRUCTIONS + listed), ("user", question), ("assistant", "")],
        name="react",
    )
    results: dict[str, object] = {}
    for turn in range(1, most + 1):
        completion = await engine.generate(context, Sampling(max_tokens=2000))
        if answer := _FINISH.search(completion.text):
            return answer[1]
        action = _ACTION.search(completion.text)
        assert action is not None
        [call] = PlanParser(specifications).feed(f"{turn}. {action[1]}\n")
        assert isinstance(call, Call)
        arguments = {name: resolve(value, results) for name, value in call.arguments.items()}
        results[str(turn)] = await callables[call.tool].call(arguments)
        context = await converse(
            engine,
            [("user", f"Observation: {as_text(results[str(turn)])}"), ("assistant", "")],
            after=completion.context,
        )
    raise AssertionError(f"no answer after {most} turns")
