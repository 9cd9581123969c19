from __future__ import annotations

from typing import Any

import pytest

from engines import (
    EngineUnavailable,
    FakeEngine,
    JsonSchema,
    Sampling,
    UsageError,
    converse,
)
from engines.errors import InvalidOutput
from engines.structured import Structured, ask_json
from tests import backends

anyio_backend = backends.virtual_backend
pytestmark = pytest.mark.anyio

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
}
SEEDED = Sampling(seed=5, max_tokens=50)


def even(data: Any) -> int:
    if data["n"] % 2:
        raise ValueError(f"at $.n: {data['n']} is odd")
    return int(data["n"])


async def asked(
    engine: FakeEngine, sampling: Sampling = SEEDED, attempts: int = 3
) -> Structured[int]:
    question = await converse(engine, [("user", "A number?")], name="question")
    return await ask_json(engine, question, SCHEMA, sampling, check=even, attempts=attempts)


async def test_the_value_comes_with_the_conversation_and_its_cost() -> None:
    engine = FakeEngine('{"n": 4}')
    answer = await asked(engine)
    assert answer.value == 4
    (call,) = engine.calls
    assert call.sampling.constraint == JsonSchema(definition=SCHEMA)
    assert [turn.text for turn in call.context.turns] == ["A number?", ""]
    assert [turn.text for turn in answer.context.turns] == ["A number?", '{"n": 4}']
    assert answer.context.path == "question"
    assert answer.critical_path == answer.usage.generated_tokens == 8


@pytest.mark.parametrize("text_only", [False, True])
async def test_what_is_wrong_is_told_and_asked_again_under_another_seed(text_only: bool) -> None:
    engine = FakeEngine(['{"n": 3}', '{"n": "4"}', '{"n": 4}'], text_only=text_only)
    answer = await asked(engine)
    assert answer.value == 4
    assert answer.usage.generated_tokens == 8 + 10 + 8
    first, second, third = engine.calls
    assert [call.context.path for call in engine.calls] == [
        "question",
        "question/attempt-2",
        "question/attempt-2/attempt-3",
    ]
    assert [turn.text for turn in second.context.turns][1:3] == [
        '{"n": 3}',
        "\n\nAn answer could not be used: at $.n: 3 is odd. Write the JSON again, and be brief.",
    ]
    assert "at $.n: '4' is not of type 'integer'" in third.context.turns[4].text
    assert len({call.sampling.seed for call in engine.calls}) == 3
    if not text_only:
        assert second.context.token_ids[: len(first.context.token_ids)] == first.context.token_ids


async def test_without_constraints_the_schema_is_shown_and_prose_is_read() -> None:
    engine = FakeEngine('Well:\n```json\n{"n": 4}\n```', text_only=True)
    assert (await asked(engine)).value == 4
    (call,) = engine.calls
    assert call.sampling.constraint is None
    assert '"required": ["n"]' in call.context.turns[0].text


@pytest.mark.parametrize(
    ("first", "told"), [('{"n": ' + "1" * 99, "cut after 50"), (" ", "no JSON")]
)
async def test_what_is_cut_or_empty_is_asked_for_anew(first: str, told: str) -> None:
    engine = FakeEngine([first, first, '{"n": 4}'], text_only=True)
    assert (await asked(engine)).value == 4
    for call in engine.calls[1:]:
        (question, opening) = call.context.turns
        assert told in question.text
        assert opening.text == ""
    assert [call.context.path for call in engine.calls[1:]] == [
        "question/attempt-2",
        "question/attempt-3",
    ]


async def test_it_gives_up_after_so_many_attempts_with_the_last_problem() -> None:
    engine = FakeEngine('{"n": 3}')
    with pytest.raises(InvalidOutput, match=r"asked 2 times .* at \$\.n: 3 is odd") as caught:
        await asked(engine, attempts=2)
    assert len(engine.calls) == 2
    assert (caught.value.problem, caught.value.tokens) == ("at $.n: 3 is odd", 16)


async def test_a_failing_engine_is_not_asked_again() -> None:
    engine = FakeEngine([EngineUnavailable("gone")])
    with pytest.raises(EngineUnavailable):
        await asked(engine)
    assert len(engine.calls) == 1


async def test_no_attempt_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="0 attempts"):
        await asked(FakeEngine(), attempts=0)


async def test_a_bug_in_the_check_is_not_the_model_s_fault() -> None:
    def broken(data: Any) -> int:
        raise KeyError("m")

    engine = FakeEngine('{"n": 3}')
    question = await converse(engine, [("user", "A number?")], name="question")
    with pytest.raises(KeyError):
        await ask_json(engine, question, SCHEMA, SEEDED, check=broken)
