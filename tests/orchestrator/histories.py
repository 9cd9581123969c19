"""Runs as lists of events, as hypothesis draws them."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from engines import Status, Usage
from orchestrator import (
    Event,
    GenerationFinished,
    GenerationStarted,
    NodeFinished,
    NodePlanned,
    NodeStarted,
    RunFinished,
    RunStarted,
    TokensGenerated,
    WorkerText,
)
from planners import Think


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events that can follow each other: nodes are planned, started and ended, and so are calls in them."""
    events: list[Event] = [RunStarted(question="Où?", model="fake", resumed=draw(st.booleans()))]
    waiting: list[str] = []
    running: list[str] = []
    calls: list[tuple[str, int]] = []
    for number in range(draw(st.integers(0, 30))):
        time = float(number)
        match draw(st.sampled_from(["plan", "start", "call", "tokens", "draft", "answer", "end"])):
            case "plan":
                waiting.append(f"n{number}")
                events.append(NodePlanned(time=time, node=Think(id=f"n{number}", prompt="why?")))
            case "start" if waiting:
                running.append(waiting.pop(draw(st.integers(0, len(waiting) - 1))))
                events.append(NodeStarted(time=time, node=running[-1]))
            case "call" if running:
                calls.append((draw(st.sampled_from(running)), number))
                events.append(
                    GenerationStarted(time=time, node=calls[-1][0], call=number, path=f"c{number}")
                )
            case "tokens" if calls:
                node = draw(st.sampled_from(calls))[0]
                events.append(TokensGenerated(time=time, node=node, tokens=3))
            case "draft" if calls:
                node, call = draw(st.sampled_from(calls))
                who = draw(st.sampled_from(["Alice", "Bob"]))
                delta = draw(st.sampled_from(["**Bob [1]:** ", "数学", "x" * 600, ".\n\n"]))
                events.append(
                    WorkerText(time=time, node=node, path=f"c{call}", worker=who, delta=delta)
                )
            case "answer" if calls:
                node, call = calls.pop(draw(st.integers(0, len(calls) - 1)))
                events.append(
                    GenerationFinished(
                        time=time,
                        node=node,
                        call=call,
                        path=f"c{call}",
                        usage=Usage(prompt_tokens=2, generated_tokens=draw(st.integers(0, 9))),
                        finish_reason=draw(st.sampled_from(["stop", "aborted", "failed"])),
                        seconds=1.0,
                        replayed=draw(st.booleans()),
                    )
                )
            case "end" if running:
                node = running.pop(draw(st.integers(0, len(running) - 1)))
                status = draw(st.sampled_from(get_args(Status)))
                events.append(NodeFinished(time=time, node=node, status=status, reason="é"))
    if draw(st.booleans()):
        events.append(RunFinished(time=99.0, status="ok", answer="so", usage=Usage()))
    return events
