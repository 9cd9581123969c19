"""What a person is shown of what forks and joins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, FakeEngine, Sampling
from reasoning import draw_threads
from reasoning.forking.dialect import MULTIVERSE, Dialect, closing, opening
from reasoning.forking.own_words import own_words
from reasoning.waiting import Wait
from tests.backends import run_virtually
from tests.reasoning.forking_engines import question, said
from tests.reasoning.forking_scripts import GOAL, OPENING, VERSE, WEAVER, label, script, solve

BLOCK = f"{GOAL}\n<Path>\n1: one</Path>\n<Path>\n1.1: two</Path>\n<Conclusion>\nIn all.</Conclusion></Parallel>"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is a < b.", "It is a < b."),
        (f"Well. {BLOCK} Done.", "Well.\nIn all.\nDone."),
        (BLOCK, "In all."),
        (BLOCK.replace("In all.", ""), "1:\na\n1.1:\nb\n1:\none\n1.1:\ntwo"),
        (
            "<Parallel>\n<Goal><Outline>3 * 12 = 36.\n</Outline> <Out\n</Goal>\n</Parallel>",
            "3 * 12 = 36.",
        ),
        ("Well <Par", "Well"),
        ("<Parallel>\n</Parallel>", ""),
        ("", ""),
    ],
)
def test_it_is_what_stands_outside_of_blocks_with_conclusions(text: str, words: str) -> None:
    assert own_words(text, MULTIVERSE) == words


def test_of_a_thread_neither_the_colon_of_its_header_nor_its_end_is_shown() -> None:
    assert own_words(": 3 * 12 = 36.</Path>", MULTIVERSE, in_thread=True) == "3 * 12 = 36."
    assert own_words(f": so {BLOCK}: 4</Path>", MULTIVERSE, in_thread=True) == "so\nIn all.\n: 4"


def tags_of(dialect: Dialect) -> list[str]:
    return [tag(element) for element in dialect.elements for tag in (opening, closing)]


@given(st.lists(st.sampled_from([*tags_of(MULTIVERSE), "1:", "a", "<", "<Pa"]), max_size=25))
def test_no_text_shows_tags_and_where_there_are_words_some_are_shown(pieces: list[str]) -> None:
    words = own_words(" ".join(pieces), MULTIVERSE)
    assert not any(tag in words for tag in tags_of(MULTIVERSE))
    assert bool(words) or "a" not in pieces


@pytest.mark.anyio
async def test_an_answer_without_a_final_one_is_shown_without_tags_and_threads() -> None:
    answer, _ = await solve(WEAVER, script(rest="</Parallel> I do not know."))
    assert (answer.value, answer.final) == (None, "Two parts.\nI do not know.")
    assert answer.text.startswith(OPENING)


@pytest.mark.parametrize("wait", ["last", "first"])
def test_the_tree_shows_what_threads_say_without_their_tags_also_of_those_that_were_cut(
    wait: Wait,
) -> None:
    def reply(context: Context, sampling: Sampling) -> str:
        number = label(context)
        if number is not None:
            return f": 3 * {number} = 36.{' Yes.' * (3 if number == '1' else 50)}</Path>"
        return "Well.</Conclusion></Parallel>" if said(context) else GOAL

    async def main() -> str:
        engine = FakeEngine(reply, seconds_per_token=0.1)
        method = replace(VERSE, wait=wait)
        return draw_threads(await method.solve(await question(engine), engine))

    _, first, second = run_virtually(main).splitlines()
    assert first.endswith("  3 * 1 = 36. Yes. Yes. Yes.")
    assert "  3 * 1.1 = 36." in second


@pytest.mark.anyio
@pytest.mark.parametrize("most", [10, 11, 60])
async def test_a_block_that_is_cut_before_it_forks_is_told_of(most: int) -> None:
    opening_of_block = "<Parallel>\n<Goal><Outline>1: a</Outline><Outline>2: b"
    method = replace(VERSE, sampling=Sampling(max_tokens=most))
    answer, _ = await solve(method, script(opening=opening_of_block + "b" * 50))
    assert (answer.truncated, answer.branches) == (True, ())
    assert answer.remark.endswith("blocks not forked: 1")
    assert answer.remark.startswith("tags missing put in: ")


@pytest.mark.anyio
async def test_a_block_of_which_there_is_nothing_but_its_tag_is_told_of() -> None:
    answer, _ = await solve(VERSE, script(opening="<Parallel>"))
    assert answer.remark == "tags missing put in: 1; blocks not forked: 1"
