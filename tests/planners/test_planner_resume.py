"""A planner whose run died goes on from what it had written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import (
    Chunk,
    Context,
    EngineWrapper,
    FakeEngine,
    Grammar,
    Sampling,
    Usage,
)
from planners import LLMCompiler, plan_grammar
from tests.backends import run_virtually
from tests.planners.test_planners import NODES, TEXT
from tests.planners.tools import TOOLS, VOCABULARY, Recorder


class Remembering(EngineWrapper):
    """An engine whose journal holds the beginning of a plan, in pieces."""

    def __init__(self, inner: FakeEngine, pieces: Sequence[str]) -> None:
        super().__init__(inner)
        self.pieces = pieces

    async def unfinished(self, context: Context, sampling: Sampling) -> Sequence[Chunk]:
        if context.path != "plan" or context.turns[-1].text:
            return ()
        ids = self.inner.capabilities.token_ids
        return [
            Chunk(
                text=piece,
                token_ids=tuple(map(ord, piece)) if ids else (),
                usage=Usage(generated_tokens=len("".join(self.pieces[: number + 1]))),
            )
            for number, piece in enumerate(self.pieces)
        ]


def resumed(
    pieces: Sequence[str], *, text: str = TEXT, text_only: bool = False
) -> tuple[Recorder, FakeEngine]:
    written = "".join(pieces)
    kept = written[: written.rfind("\n") + 1]
    engine = FakeEngine(text[len(kept) :], text_only=text_only)
    sink = Recorder()

    async def run() -> None:
        planner = LLMCompiler(sampling=Sampling(max_tokens=200, seed=3), max_replans=0)
        await planner.plan("?", VOCABULARY, Remembering(engine, pieces), sink)

    run_virtually(run)
    return sink, engine


THOUGHT = 'Thought: a (b, "c\n'


@pytest.mark.parametrize("thought", ["", THOUGHT])
@given(share=st.floats(0, 1, exclude_max=True), size=st.integers(1, 9))
def test_it_goes_on_after_the_last_complete_line(thought: str, share: float, size: int) -> None:
    text = thought + TEXT
    cut = int(share * len(text))
    written = text[:cut]
    pieces = [written[i : i + size] for i in range(0, cut, size)]
    sink, engine = resumed(pieces, text=text)
    assert sink.nodes == NODES
    (call,) = engine.calls
    kept = written[: written.rfind("\n") + 1]
    assert call.context.turns[-1].text == kept
    assert call.context.token_ids[len(call.context.token_ids) - len(kept) :] == tuple(
        map(ord, kept)
    )
    if kept:
        assert call.sampling.max_tokens == 200 - cut
        assert call.sampling.constraint == Grammar(
            rules=plan_grammar(
                TOOLS.values(),
                min_steps=1,
                max_steps=12,
                first_step=kept.removeprefix(thought).count("\n") + 1,
            )
        )
    else:
        assert call.sampling.max_tokens == 200


def test_a_plan_that_was_joined_asks_no_model() -> None:
    sink, engine = resumed([f"{TEXT}\nand so on"])
    assert sink.nodes == NODES
    assert engine.calls == []


def test_without_ids_the_model_gets_another_turn_to_go_on_in() -> None:
    sink, engine = resumed(["1. add(1, 2)\n2. thi"], text_only=True)
    assert sink.nodes == NODES
    (call,) = engine.calls
    assert call.context.path == "plan/resumed-1"
    *_, plan, request, _ = call.context.turns
    assert plan.text == "1. add(1, 2)\n"
    assert "Go on with step 2" in request.text
    assert call.sampling.max_tokens == 200 - len("1. add(1, 2)\n2. thi")
