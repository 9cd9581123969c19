"""The board without an engine: whatever workers say and whoever ends first, it keeps its rules."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Collaboration, Context, Layout, Segment
from engines.hogwild.steps import end_of_step
from reasoning.collaborating.board import Board, Marks, Request
from reasoning.collaborating.piece import Piece

NAMES = ("Ann", "Ben", "Cy", "Dora")
OTHERS, OWN, PAUSE, CLOSING = "<others>", "<own>", "\n\n", "<closing>"
# What a worker may say, as far as its tokens go; None is the model's own end.
WORDS = st.sampled_from(
    ["word ", "so it is.\n\n", "see:\n\n", "\n\n", "", None, "is \\boxed{7}.\n\n"]
)
LAYOUTS: list[Layout] = ["combined", "contiguous", "interleaved"]


def encoded(text: str) -> Segment:
    return Segment("assistant", text, tuple(map(ord, text)))


PROMPT = Context(Segment("user", "Why?", (1, 2, 3)), name="root").extend(encoded(""))


def board_of(workers: int = 2, **options: Any) -> Board:
    limits = {"max_tokens": 100, "refresh": 0, "window": None}
    limits |= {name: options.pop(name) for name in limits.keys() & options.keys()}
    team: dict[str, Any] = {"header": "{name}{number}: ", "question": "Again? ", "answer_tokens": 4}
    marks = [encoded(text) for text in (OTHERS, OWN, PAUSE, CLOSING)]
    return Board(
        PROMPT,
        Collaboration(workers=NAMES[:workers], **{**team, **options}),
        Marks(**dict(zip(("others", "own", "pause", "closing"), marks, strict=True))),
        **limits,  # type: ignore[arg-type]
    )


def asked(board: Board, worker: int) -> Request | None:
    """What a worker asks for, once its step has begun."""
    desk = board.desks[worker]
    if desk.opening is None:
        desk.opening = encoded(board.opening(worker))
    return board.request(worker)


def said(request: Request, words: str | None) -> Piece:
    """What a call makes of these words, a token a character, as far as it may go."""
    text = (words or "")[: request.tokens]
    before = request.before.text
    end = end_of_step(before + text, len(before), request.answer)
    return Piece(
        step=encoded(before + text),
        generated=len(text),
        spoken=bool(text.strip()),
        ends=end is not None or words is None,
        cut=words is not None and len(text) == request.tokens,
    )


def says(board: Board, worker: int, words: str | None) -> str:
    """Has a worker say something; what it had seen."""
    request = asked(board, worker)
    assert request is not None
    board.take(worker, said(request, words))
    return seen_by(request)


def seen_by(request: Request) -> str:
    return request.context.turns[-1].text


def text_of(context: Context) -> str:
    return context.turns[-1].text


@given(
    st.data(),
    st.sampled_from(LAYOUTS),
    st.integers(1, 4),
    st.integers(0, 9),
    st.integers(1, 40),
    st.integers(0, 400) | st.none(),
)
def test_any_way_to_write_ends_and_loses_nothing(
    data: st.DataObject, layout: Layout, workers: int, refresh: int, step: int, window: int | None
) -> None:
    board = board_of(
        workers, layout=layout, refresh=refresh, step_tokens=step, window=window, max_tokens=60
    )
    flying: dict[int, Request] = {}
    requests = 0
    histories = [board.common.token_ids]
    while board.found is None:
        for worker, desk in enumerate(board.desks):
            request = None
            if worker not in flying and desk.end is None:
                request = asked(board, worker)
            if request is not None:
                flying[worker] = request
                requests += 1
                assert_sees_what_it_should(board, worker, request, layout)
                assert 1 <= request.tokens <= min(refresh or step, step)
                assert window is None or board.tokens <= window
                assert len(request.context.token_ids) + request.tokens <= board.tokens
        if not flying:
            break
        worker = data.draw(st.sampled_from(sorted(flying)))
        board.take(worker, said(flying.pop(worker), data.draw(WORDS)))
        histories.append(board.common.token_ids)
    # Each call takes a token off its worker's, also where the model says nothing.
    assert requests <= 60 * workers
    for shorter, longer in itertools.pairwise(histories):
        assert longer[: len(shorter)] == shorter
    whole = text_of(board.written)
    for desk in board.desks:
        assert sum(len(part.text) for part in (*desk.finished, desk.unfinished)) == len(
            desk.said.text
        )
        for part in (*desk.finished, desk.unfinished):
            assert part.text in whole
            assert part.token_ids == tuple(map(ord, part.text))
    assert text_of(board.asking(board.written)) == f"{whole}{CLOSING}"


def assert_sees_what_it_should(board: Board, worker: int, request: Request, layout: Layout) -> None:
    common = board.common.token_ids
    assert request.context.token_ids[: len(common)] == common
    behind = "".join(map(chr, request.context.token_ids[len(common) :]))
    moves = layout != "contiguous"
    own, *others = [
        (
            desk.current.text
            if moves
            else "".join(step.text for step in desk.finished) + desk.current.text
        )
        for desk in (board.desks[worker], *board.desks[:worker], *board.desks[worker + 1 :])
    ]
    if layout == "interleaved" or len(board.desks) == 1:
        assert behind == own
    else:
        assert behind == f"{OTHERS}{''.join(others)}{OWN}{own}"


def test_steps_stand_in_the_order_of_their_ends() -> None:
    board = board_of(3, max_tokens=200)
    slow = asked(board, 0)
    assert slow is not None
    says(board, 2, "third.\n\n")
    says(board, 1, "second.\n\n")
    says(board, 2, "third again.\n\n")
    board.take(0, said(slow, "first.\n\n"))
    assert text_of(board.transcript) == (
        "Cy1: third.\n\nBen1: second.\n\nCy2: third again.\n\nAnn1: first.\n\n"
    )
    assert says(board, 1, "").startswith(text_of(board.transcript) + OTHERS)


@pytest.mark.parametrize(
    ("layout", "seen"),
    [
        ("combined", f"Ben1: b.\n\n{OTHERS}Ben2: half{OWN}Ann1: mine"),
        ("contiguous", f"{OTHERS}Ben1: b.\n\nBen2: half{OWN}Ann1: mine"),
        ("interleaved", "Ben1: b.\n\nAnn1: mine"),
    ],
)
def test_a_layout_shows_what_it_should(layout: Layout, seen: str) -> None:
    board = board_of(layout=layout, refresh=4)
    says(board, 0, "mine")
    for words in ("b.\n\n", "half"):
        says(board, 1, words)
    assert says(board, 0, "") == seen


def test_the_question_comes_by_the_tokens_of_all() -> None:
    board = board_of(question_every=20)
    says(board, 0, "ten letters. ")
    says(board, 1, "so few.\n\n")
    assert says(board, 0, "over.\n\n").endswith("Ann1: ten letters. ")
    assert says(board, 1, "and.\n\n").endswith(f"{OWN}Ben2: Again? ")
    assert says(board, 0, "").endswith(f"{OWN}Ann2: ")


def test_a_step_ends_at_its_limit_with_a_pause() -> None:
    board = board_of(step_tokens=8, refresh=5)
    says(board, 0, "on and on and on")
    assert board.desks[0].unfinished.text == "Ann1: on an"
    says(board, 0, "d on and on")
    assert text_of(board.transcript) == "Ann1: on and o\n\n"


def test_one_who_says_nothing_is_asked_three_times_with_the_same_header() -> None:
    board = board_of()
    seen = [says(board, 0, None) for _ in range(3)]
    assert {text.rpartition(OWN)[2] for text in seen} == {"Ann1: "}
    assert board.desks[0].end == "silence"
    assert text_of(board.transcript) == ""


def test_blank_lines_alone_use_something_up() -> None:
    board = board_of(max_tokens=6)
    for _ in range(3):
        says(board, 0, "\n\n")
    assert board.desks[0].end == "tokens"
    assert text_of(board.written) == ""


def test_an_engine_that_counts_nothing_is_not_asked_for_ever() -> None:
    board = board_of(max_tokens=6)
    for _ in range(6):
        assert asked(board, 0) is not None
        board.take(0, Piece(step=encoded("on and on"), generated=0, spoken=True))
    assert board.desks[0].end == "tokens"


def test_an_answer_in_a_finished_step_is_found_and_no_other() -> None:
    board = board_of()
    says(board, 0, "maybe \\boxed{6}, or ")
    assert board.found is None
    says(board, 1, "it is \\boxed{\\frac{1}{2}}, \\boxed{}.\n\n")
    assert board.found is not None
    assert (board.found.worker, board.found.value) == (1, "\\frac{1}{2}")
    says(board, 0, "still.\n\n")
    assert board.found.worker == 1


def test_what_is_in_flight_has_its_room_in_the_window() -> None:
    board = board_of(window=80)
    first = asked(board, 0)
    assert first is not None
    assert board.tokens == 80
    assert asked(board, 1) is None
    board.take(0, said(first, "yes.\n\n"))
    assert asked(board, 1) is not None


def test_a_worker_without_an_opening_has_nothing_to_ask_for() -> None:
    with pytest.raises(ValueError, match="Ann has begun no step"):
        board_of().request(0)
