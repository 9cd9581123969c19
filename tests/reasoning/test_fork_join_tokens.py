"""Tags that are one token, several, special ones, and tags that end within a token."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import (
    Context,
    EngineUnavailable,
    FakeEngine,
    ForkjoinError,
    Role,
    Sampling,
    Segment,
    converse,
)
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect, closing, opening
from reasoning.forking.fork_join import ForkJoin
from reasoning.token_ids.span import Span
from reasoning.token_ids.stitching import stitched
from reasoning.token_ids.stop_tags import Said
from tests.backends import run_virtually
from tests.reasoning.forking_engines import (
    END,
    VocabularyEngine,
    assert_accounted,
    assert_balanced,
    assert_stitched,
    question,
    said,
)

TAGS = [tag(e) for e in THREADWEAVER.elements for tag in (opening, closing)]
OPENING = "<Parallel>\n<Outlines>\n<Outline> 1: a </Outline><Outline> 2: b </Outline>\n</Outlines>"
WEAVER = ForkJoin(dialect=THREADWEAVER, invited=False, sampling=Sampling(max_tokens=4000))


def script(context: Context, sampling: Sampling) -> str:
    written = said(context)
    if written.endswith(("1:", "2:")):
        return f" thread {written[-2]} </Thread><Thread>\n never asked for"
    return f"{OPENING}\n<Thread>" if not written else r"</Parallel> So \boxed{4}."


MERGED = (
    f"{OPENING}\n<Thread>\n1: thread 1 </Thread><Thread>\n2: thread 2 </Thread>\n"
    r"</Parallel> So \boxed{4}."
)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tokens", "special", "stops_by_id"),
    [
        ((), (), False),
        (TAGS, (), True),
        (TAGS, TAGS, True),
        (("</", "Thread", "><", "Outlines", ">\n<", " thread "), (), False),
        (("ead></", "Thread>", "></", "lines>", "s>\n<Th"), (), False),
    ],
    ids=["characters", "one-token", "special", "several-tokens", "across-tags"],
)
async def test_the_text_is_the_same_however_tags_are_cut_into_tokens(
    tokens: tuple[str, ...], special: tuple[str, ...], stops_by_id: bool
) -> None:
    engine = VocabularyEngine(script, tokens, special)
    answer = await WEAVER.solve(await question(engine), engine)
    assert answer.text == MERGED
    assert (answer.value, answer.remark) == ("4", "")
    await assert_stitched(answer, engine)
    await assert_accounted(answer, engine)
    tags = ("</Outlines>", "</Thread>")
    for sampling in engine.samplings[1:3]:
        assert sampling.stop == (() if stops_by_id else tags)
        assert sampling.stop_token_ids == (
            tuple(token for tag in tags for token in engine.tokens(tag)) if stops_by_id else ()
        )


@pytest.mark.anyio
async def test_what_was_generated_keeps_its_ids_where_encoding_would_change_them() -> None:
    # The model writes "thread" in two tokens, the tokenizer knows one.
    engine = VocabularyEngine(script, ["thread", "><", "</"])
    halves = engine.tokens("th") + engine.tokens("read")
    tag = engine.tokens("</Thread") + engine.tokens("><")
    ids = (*halves, *tag)
    text = "thread</Thread>"
    heard = Said(token_ids=ids, decoded=f"{text}<", text=text, stopped=True)
    after = await converse(engine, [("assistant", "")])
    segment = await stitched(engine, heard, [Span(0, len(text))], after)
    assert segment.text == text
    assert segment.token_ids == (*ids[:-1], ord(">"))


@pytest.mark.anyio
@given(data=st.data())
@settings(max_examples=60)
async def test_any_parts_keep_all_whole_tokens_within_them(data: st.DataObject) -> None:
    words = ["ab", "abc", "bca", "ca", "a"]
    engine = VocabularyEngine(script, words)
    parts = data.draw(st.lists(st.sampled_from(words), max_size=30))
    ids = tuple(token for part in parts for token in engine.tokens(part))
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=4, max_size=4)))
    heard = Said(token_ids=ids, decoded=text, text=text, stopped=False)
    after = await converse(engine, [("assistant", "")])
    spans = [Span(cuts[0], cuts[1]), Span(cuts[2], cuts[3])]
    segment = await stitched(engine, heard, [spans[0], "!", spans[1]], after)
    kept = [text[span.start : span.end] for span in spans]
    assert segment.text == "!".join(kept) == await engine.decode(segment.token_ids or ())
    if cuts == [0, len(text), len(text), len(text)]:
        assert segment.token_ids == (*ids, ord("!"))


class ByteEngine(FakeEngine):
    """Tokens are bytes, so that characters are several tokens; what is cut reads as a mark, as in real tokenizers."""

    async def encode(self, text: str, *, role: Role, after: Context | None = None) -> Segment:
        return Segment(role, text, tuple(text.encode()))

    async def decode(self, token_ids: Sequence[int]) -> str:
        return bytes(token_ids).decode(errors="replace")


@pytest.mark.anyio
@pytest.mark.parametrize("start", range(7))
@pytest.mark.parametrize("length", range(7))
async def test_no_character_of_several_tokens_is_cut(start: int, length: int) -> None:
    engine = ByteEngine()
    text = "a€😀</é>"
    ids = tuple(text.encode())
    heard = Said(token_ids=ids, decoded=text, text=text, stopped=False)
    after = await converse(engine, [("assistant", "")])
    segment = await stitched(engine, heard, [Span(start, start + length)], after)
    assert segment.text == text[start : start + length]
    assert segment.token_ids == tuple(segment.text.encode())


@pytest.mark.anyio
async def test_the_mark_of_the_models_end_is_no_part_of_the_text() -> None:
    engine = VocabularyEngine(lambda context, sampling: "4.", TAGS)
    answer = await WEAVER.solve(await question(engine), engine)
    assert answer.text == "4."
    assert END in await engine.decode(engine.generated[0])
    await assert_stitched(answer, engine)


@pytest.mark.anyio
async def test_a_stop_of_the_users_own_ends_the_answer() -> None:
    method = replace(WEAVER, sampling=Sampling(max_tokens=4000, stop=("Thread",)))
    engine = VocabularyEngine(lambda context, sampling: "so Threads", ["Threads"])
    answer = await method.solve(await question(engine), engine)
    assert answer.text == "so "
    await assert_stitched(answer, engine)


FRAGMENTS = {
    dialect: (
        *(tag(e) for e in dialect.elements for tag in (opening, closing)),
        *(opening(dialect.parallel), closing(dialect.thread), closing(dialect.parallel)) * 2,
        *(f"<{dialect.parallel}><{dialect.goals}>",) * 4,
        *(f"<{dialect.outline}>{n}: x</{dialect.outline}>" for n in (1, 2, "1.1", 2)),
        *(closing(dialect.goals),) * 4,
        *("a", " so\n", "<", "</", "Pa", "th>", "3:"),
    )
    for dialect in (MULTIVERSE, THREADWEAVER)
}


def soup(dialect: Dialect, seed: int, context: Context) -> str | ForkjoinError:
    """What a model without any sense writes after a context: always the same after the same."""
    digest = hashlib.sha256(f"{seed}".encode() + context.digest).digest()
    dice = random.Random(digest)
    if dice.random() < 0.1:
        return EngineUnavailable("busy")
    return "".join(dice.choices(FRAGMENTS[dialect], k=dice.randrange(25)))


@pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER], ids=["mv", "tw"])
@given(
    seed=st.integers(0, 2**32),
    tokens=st.sampled_from([(), tuple(TAGS), ("><", "</", "1:", "Outline", "so\n<")]),
    total=st.integers(40, 3000),
    path=st.integers(40, 1000),
    rounds=st.integers(0, 4),
    cut=st.sampled_from(["close", "finish"]),
    own_tokens=st.booleans(),
)
@settings(max_examples=80)
def test_whatever_the_model_writes_is_balanced_accounted_and_within_its_limits(
    dialect: Dialect,
    seed: int,
    tokens: tuple[str, ...],
    total: int,
    path: int,
    rounds: int,
    cut: str,
    own_tokens: bool,
) -> None:
    method = ForkJoin(
        dialect=dialect,
        invited=False,
        sampling=Sampling(max_tokens=path, seed=seed),
        max_tokens=total,
        max_depth=3,
        max_rounds=rounds,
        max_paths=3,
        cut="close" if cut == "close" else "finish",
    )

    async def main() -> None:
        def reply(context: Context, sampling: Sampling) -> str | ForkjoinError:
            assert sampling.max_tokens <= path
            places.append((context.path, context.digest))
            # The first call of all has to say something.
            return soup(dialect, seed, context) if "/" in context.path else beginning

        places: list[tuple[str, bytes]] = []
        beginning = (
            f"<{dialect.parallel}><{dialect.goals}><{dialect.outline}>1: a{dialect.fork_tag}"
        )
        engine = VocabularyEngine(reply, tokens) if own_tokens else FakeEngine(reply)
        try:
            answer = await method.solve(await question(engine), engine)
        except EngineUnavailable:
            return
        assert_balanced(answer.text, dialect)
        await assert_stitched(answer, engine)
        await assert_accounted(answer, engine)
        assert answer.usage.generated_tokens <= total
        assert answer.critical_path <= path
        assert len({path for path, _ in places}) == len(places)

    run_virtually(main)
