"""The grammars against the engine that enforces them in vLLM: what matches makes a block, and can always be ended."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.forking.block_format import format_problem
from reasoning.forking.dialect import MULTIVERSE, THREADWEAVER, Dialect, closing, opening
from reasoning.forking.tag_grammar import Part, grammar
from reasoning.forking.tag_parser import TagParser
from tests.planners.grammars import END, LETTERS, accepts, compiled, xgrammar

MOST = 12
BOTH = pytest.mark.parametrize("dialect", [MULTIVERSE, THREADWEAVER])
PARTS: tuple[Part, ...] = ("opening", "thread", "rest")


@lru_cache
def rules(dialect: Dialect, part: Part, max_paths: int = MOST) -> Any:
    return compiled(grammar(dialect, part, max_paths).rules)


def derived(grammar: Any, source: random.Random, begun: str = "", hurry: float = 0.3) -> str:
    """A random text of the grammar that goes on from what was begun, in a hurry to come to its tags."""
    matcher = xgrammar.GrammarMatcher(grammar)
    assert matcher.accept_string(begun)
    bitmask = xgrammar.allocate_token_bitmask(1, END + 1)
    written = [begun]
    while True:
        matcher.fill_next_token_bitmask(bitmask)
        words = bitmask[0].tolist()
        allowed = [token for token in range(END + 1) if words[token // 32] >> token % 32 & 1]
        tags = [token for token in allowed if token == END or LETTERS[token] in "<P/"]
        token = source.choice(tags if tags and source.random() < hurry else allowed)
        assert matcher.accept_token(token)
        if token == END:
            return "".join(written)
        written.append(LETTERS[token])


def labels_in(dialect: Dialect, text: str) -> list[str]:
    """The labels of the outlines in an opening, as the parser tells them."""
    parser = TagParser(dialect)
    events = [*parser.feed(text), *parser.close()]
    return [event.name for event in events if event.kind == "label"]


def block(dialect: Dialect, source: random.Random) -> tuple[list[str], str]:
    """The outlines of a random block, and its text, put together of parts as the interpreter does."""
    text = derived(rules(dialect, "opening"), source)
    labels = labels_in(dialect, text)
    for place, label in enumerate(labels):
        text += dialect.thread_header(label, later=place > 0)
        text += derived(rules(dialect, "thread"), source)
    return labels, text + dialect.tail + derived(rules(dialect, "rest"), source)


@BOTH
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_matches_makes_a_well_formed_block(dialect: Dialect, seed: int) -> None:
    labels, text = block(dialect, random.Random(seed))
    assert labels == [str(number) for number in range(1, len(labels) + 1)]
    assert 2 <= len(labels) <= MOST
    assert format_problem(text, dialect) is None
    assert text.count("<Parallel>") == text.count("</Parallel>") == 1


@BOTH
@pytest.mark.parametrize("part", PARTS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9), share=st.floats(0, 1))
def test_what_was_begun_can_be_ended(dialect: Dialect, part: Part, seed: int, share: float) -> None:
    source = random.Random(seed)
    text = derived(rules(dialect, part), source)
    begun = text[: int(share * len(text))]
    assert accepts(rules(dialect, part), derived(rules(dialect, part), source, begun, hurry=0.9))


MATHEMATICS = [
    r"so $\frac{a}{b} \le \sqrt{2} \& \text{if } x \in \{1, 2\}$.",
    "if a < b and b<c, then -1 <= x << 2 (<<48/2=24>>24)",
    'a "quoted" word, 100% & more: é | > = ] ^ - \\',
]
DISPLAY = "first\n\n\\[\n\\begin{aligned} x &= 1 \\\\ y &= 2 \\end{aligned}\n\\]\n"


@BOTH
@pytest.mark.parametrize("text", [*MATHEMATICS, DISPLAY])
def test_threads_and_rests_hold_mathematics(dialect: Dialect, text: str) -> None:
    conclusion = f"{text}</Conclusion>\n" if dialect.conclusion else ""
    colon = "" if dialect.label_end else ":"
    assert accepts(rules(dialect, "thread"), f"{colon} {text}{dialect.thread_end}")
    assert accepts(rules(dialect, "thread"), f"{colon}\n{text}{dialect.thread_end}")
    assert accepts(rules(dialect, "rest"), f"{conclusion}</Parallel>{text}")


@BOTH
@pytest.mark.parametrize("text", MATHEMATICS)
@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_of_openings_hold_mathematics(dialect: Dialect, text: str, end: str) -> None:
    outlines = " ".join(f"<Outline>{label}: {text}{end}</Outline>" for label in "12")
    goals = f"<{dialect.goals}>\n{outlines}\n</{dialect.goals}>"
    assert accepts(rules(dialect, "opening"), f"{text}{end}<Parallel>\n{goals}")


def test_a_model_that_goes_on_is_brought_to_the_tags() -> None:
    """Weak models write line after line, and never a tag: a line's end can only be followed by one."""
    for line in ("We split it.", "We split it.\n<Parallel>\n<Goal>\n<Outline>1: to count"):
        begun = xgrammar.GrammarMatcher(rules(MULTIVERSE, "opening"))
        assert begun.accept_string(f"{line}\n")
        assert not begun.accept_string("and")
        assert begun.accept_string("<")


GOALS = "<Outline>1: a</Outline> <Outline>2: b</Outline>"


@pytest.mark.parametrize(
    "text",
    [
        f"<Parallel>\n<Goal>\n{GOALS}\n</Goal>",
        f"Let us split it.\n<Parallel>\n<Goal>\n{GOALS}\n</Goal>",
        "<Parallel>\n<Goal>\n<Outline> 1: a </Outline> <Outline> 2: b </Outline>\n</Goal>",
    ],
)
def test_openings_are_accepted(text: str) -> None:
    assert accepts(rules(MULTIVERSE, "opening", 2), text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("no block at all", id="no block"),
        pytest.param(f"<Parallel>\n<Goal>\n{GOALS}\n", id="not closed"),
        pytest.param("<Parallel>\n<Goal>\n\n</Goal>", id="no outlines"),
        pytest.param("<Parallel>\n<Goal>\n<Outline>1: a</Outline>\n</Goal>", id="a single outline"),
        pytest.param(
            "<Parallel>\n<Goal>\n<Outline>1: </Outline> <Outline>2: b</Outline>\n</Goal>",
            id="an empty outline",
        ),
        pytest.param(
            "<Parallel>\n<Goal>\n<Outline>2: a</Outline> <Outline>3: b</Outline>\n</Goal>",
            id="a gap",
        ),
        pytest.param(
            f"<Parallel>\n<Goal>\n{GOALS} <Outline>3: c</Outline>\n</Goal>", id="too many"
        ),
        pytest.param(
            "<Parallel>\n<Goal>\n<Outline>1: a</Outline> <Outline>1: b</Outline>\n</Goal>",
            id="a label twice",
        ),
        pytest.param(
            "<Parallel>\n<Goal>\n<Outline>1: a</Path></Outline> <Outline>2: b</Outline>\n</Goal>",
            id="a tag",
        ),
        pytest.param(f"Let us\nsplit it.<Parallel>\n<Goal>\n{GOALS}\n</Goal>", id="two lines"),
        pytest.param(f"<Path><Parallel>\n<Goal>\n{GOALS}\n</Goal>", id="a tag before"),
        pytest.param(f"<|im_start|><Parallel>\n<Goal>\n{GOALS}\n</Goal>", id="a template's mark"),
        pytest.param(f"<Parallel>\n<Goal>\n{GOALS}\n</Goal>\n<Path>", id="going on"),
    ],
)
def test_what_is_no_opening_is_refused(text: str) -> None:
    assert not accepts(rules(MULTIVERSE, "opening", 2), text)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("thread", ": a"),
        ("thread", ": </Path>"),
        ("thread", " a</Path>"),
        ("thread", ": a</Goal></Path>"),
        ("thread", ": a</Path> b"),
        ("rest", "so"),
        ("rest", "so</Conclusion>"),
        ("rest", "so</Parallel>"),
        ("rest", "so</Conclusion>\n</Parallel> and <Parallel>"),
        ("rest", "so</Conclusion>\n</Parallel></Parallel>"),
    ],
)
def test_threads_and_rests_have_the_tags_that_fit_only(part: Part, text: str) -> None:
    assert not accepts(rules(MULTIVERSE, part), text)


@BOTH
def test_texts_hold_no_tag_of_the_dialect(dialect: Dialect) -> None:
    colon = "" if dialect.label_end else ":"
    tags = [tag(element) for element in dialect.elements for tag in (opening, closing)]
    for tag in tags:
        assert not accepts(rules(dialect, "thread"), f"{colon} a{tag} b{dialect.thread_end}")
    assert accepts(rules(dialect, "thread"), f"{colon} a<b>{dialect.thread_end}")


def test_where_one_path_is_the_most_there_is_one_outline() -> None:
    one = rules(MULTIVERSE, "opening", 1)
    assert accepts(one, "<Parallel>\n<Goal>\n<Outline>1: a</Outline>\n</Goal>")
    assert not accepts(one, f"<Parallel>\n<Goal>\n{GOALS}\n</Goal>")


def test_the_rest_may_end_with_the_block() -> None:
    assert accepts(rules(MULTIVERSE, "rest"), "so</Conclusion>\n</Parallel>")
    assert accepts(rules(THREADWEAVER, "rest"), "</Parallel>")


def test_a_thousand_outlines_are_the_most_and_stay_small() -> None:
    largest = grammar(MULTIVERSE, "opening", 1000).rules
    assert grammar(MULTIVERSE, "opening", 10**9).rules == largest
    assert len(largest) < 55_000
    goals = " ".join(f"<Outline>{number}: a</Outline>" for number in range(1, 1001))
    assert accepts(compiled(largest), f"<Parallel>\n<Goal>\n{goals}\n</Goal>")
