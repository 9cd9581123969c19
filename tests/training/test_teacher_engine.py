"""The tokens of lessons are those that a real engine sends and gets."""

from typing import Any

import anyio
import pytest

from engines import (
    Choice,
    Completion,
    Context,
    Engine,
    JsonSchema,
    Sampling,
    converse,
    run_in_portal,
)
from reasoning import ChainOfThought, ForkJoin
from reasoning.forking.dialect import THREADWEAVER
from training.lesson import Lesson, Reply, Said
from training.teacher_engine import TeacherEngine, WrongReply, units_of


def said(
    tokenizer: Any, reply: str | Said, sampling: Sampling | None = None
) -> tuple[Completion, TeacherEngine]:
    """What a teacher that always says the same is heard to say."""
    engine = TeacherEngine(lambda context, sampling: reply, tokenizer)

    async def ask() -> Completion:
        prompt = await converse(engine, [("user", "2*3?"), ("assistant", "")], name="question")
        return await engine.generate(prompt, sampling or Sampling())

    return anyio.run(ask), engine


def text_of(tokenizer: Any, ids: tuple[int, ...]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False))


def test_a_unit_is_the_prompt_and_the_reply_with_its_end(tokenizer: Any) -> None:
    completion, engine = said(tokenizer, "2*3=6")
    (unit,) = engine.units
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "2*3?"}], tokenize=False, add_generation_prompt=True
    )
    assert text_of(tokenizer, unit.context) == prompt
    assert text_of(tokenizer, unit.completion) == f"2*3=6{tokenizer.eos_token}"
    assert unit.learned
    assert completion.text == "2*3=6"
    assert completion.token_ids == unit.completion
    assert completion.usage.generated_tokens == len(unit.completion)


def test_what_is_only_to_be_read_is_not_learnt(tokenizer: Any) -> None:
    _, engine = said(tokenizer, Said("2*3=7", learned=False))
    assert [unit.learned for unit in engine.units] == [False]


def test_a_stop_ends_a_reply_and_is_said_by_the_model(tokenizer: Any) -> None:
    sampling = Sampling(stop=("</Path>", "</Goal>"))
    completion, engine = said(tokenizer, "6</Goal> and no more</Path>", sampling)
    assert completion.text == "6"
    assert completion.stop_reason == "</Goal>"
    # The model writes the stop, and no end of its turn.
    assert text_of(tokenizer, engine.units[0].completion) == "6</Goal>"


def test_a_reply_ends_without_its_mark_where_no_token_is_left_for_it(tokenizer: Any) -> None:
    _, engine = said(tokenizer, "7", Sampling(max_tokens=1))
    assert text_of(tokenizer, engine.units[0].completion) == "7"


def test_a_reply_that_would_be_cut_is_refused(tokenizer: Any) -> None:
    with pytest.raises(WrongReply, match="question: the reply has 5 tokens, and 4 may be"):
        said(tokenizer, "12345", Sampling(max_tokens=4))


@pytest.mark.parametrize(
    ("constraint", "right", "wrong", "reason"),
    [
        (Choice(options=("yes", "no")), "no", "maybe", "is none of the choices 'yes', 'no'"),
        (JsonSchema(definition={"type": "object"}), '{"a": 1}', '{"a": 1', "is no JSON"),
    ],
)
def test_a_teacher_keeps_what_the_model_is_held_to(
    tokenizer: Any, constraint: Any, right: str, wrong: str, reason: str
) -> None:
    sampling = Sampling(constraint=constraint)
    assert said(tokenizer, right, sampling)[0].text == right
    with pytest.raises(WrongReply, match=f"question: the reply .* {reason}"):
        said(tokenizer, wrong, sampling)


def test_a_lesson_comes_to_a_unit_for_each_call(tokenizer: Any) -> None:
    units = anyio.run(units_of, forked_lesson(), tokenizer)
    texts = [text_of(tokenizer, unit.context) for unit in units]
    said = [text_of(tokenizer, unit.completion) for unit in units]
    assert said[0].endswith("</Outlines>")
    assert [text.rpartition("\n")[2] for text in texts[1:3]] == ["1:", "2:"]
    assert said[1:3] == [" 2*3=6</Thread>", " 4*5=20</Thread>"]
    # What threads said is stitched into the last prompt by its ids.
    assert "1: 2*3=6</Thread><Thread>\n2: 4*5=20</Thread>\n" in texts[3]
    assert units[3].context[: len(units[0].context)] == units[0].context


def forked_lesson() -> Lesson:
    replies = {
        "question": (
            "<Parallel>\n<Outlines>\n<Outline>1: 2*3</Outline> <Outline>2: 4*5</Outline>\n"
            "</Outlines>"
        ),
        "thread-1": " 2*3=6</Thread>",
        "thread-2": " 4*5=20</Thread>",
        "round-1": "</Parallel>\n6+20=26\n\n\\boxed{26}",
    }

    async def solve(engine: Engine) -> object:
        question = await converse(engine, [("user", "2*3+4*5?")], name="question")
        method = ForkJoin(dialect=THREADWEAVER, invited=False, instruction="\n\nIn threads.")
        return await method.solve(question, engine)

    return Lesson(
        solve=solve, reply=lambda context, sampling: replies[context.path.rpartition("/")[2]]
    )


@pytest.mark.real_vllm
def test_prompts_are_those_of_a_real_engine(vllm_engine: Engine, tokenizer: Any) -> None:
    """The real engine counts and encodes as the teacher does, in one chain and between threads."""
    lesson = forked_lesson()
    units = anyio.run(units_of, lesson, tokenizer)

    async def asked() -> list[tuple[int, ...]]:
        prompts: list[tuple[int, ...]] = []

        def reply(context: Context, sampling: Sampling) -> Said | str:
            prompts.append(context.token_ids)
            return lesson.reply(context, sampling)

        await lesson.solve(_Encoded(vllm_engine, reply, tokenizer))
        return prompts

    assert run_in_portal(asked) == [unit.context for unit in units]
    plain = run_in_portal(lambda: _plain_prompt(vllm_engine))
    assert plain == anyio.run(_plain_prompt, TeacherEngine(lambda c, s: "", tokenizer))


class _Encoded(TeacherEngine):
    """A teacher whose texts a real engine turns into ids."""

    def __init__(self, engine: Engine, reply: Reply, tokenizer: Any) -> None:
        super().__init__(reply, tokenizer)
        self._real = engine

    async def encode(self, text: str, **options: Any) -> Any:
        return await self._real.encode(text, **options)


async def _plain_prompt(engine: Engine) -> tuple[int, ...]:
    asked = await converse(
        engine, [("user", "What is 12*34?"), ("user", ChainOfThought().instruction)]
    )
    return (await converse(engine, [("assistant", "")], after=asked)).token_ids
