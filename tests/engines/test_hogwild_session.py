from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Collaboration, Layout, Sampling
from engines.hogwild.session import Session
from engines.hogwild.steps import answers, end_of_step, final_answer
from tests.engines.hogwild_runs import CLOSING, LAYOUTS, OTHERS, OWN, PROMPT, QUESTION, Run
from tests.engines.recording_decoder import SAMPLED, RecordingDecoder

PIECES = (
    *(
        b"a",
        b".",
        b" ",
        b"\n",
        b"\n\n",
        b".\n\n",
        b"Yes.",
        b"\n\nSo",
        b"\xe2\x80",
        b"\xa6",
        b"\xe2",
    ),
    *(b"{", b"}", b"{4}", b"{4}.", b"{}", b"{4", b"5}"),
)


@st.composite
def runs(draw: st.DrawFn, *, empty_headers: bool = False) -> Run:
    count = draw(st.integers(1, 4))
    team = Collaboration(
        workers=tuple(f"w{number}" for number in range(count)),
        layout=draw(st.sampled_from(LAYOUTS)),
        header="" if empty_headers else "[{name}.{number}]\n\n",
        others=draw(st.sampled_from(["", OTHERS])),
        own=draw(st.sampled_from(["", OWN])),
        question=QUESTION,
        question_every=draw(st.sampled_from([0, 1, 5, 20])),
        step_tokens=draw(st.sampled_from([1, 2, 7, 30])),
        pause=draw(st.sampled_from(["", "\n\n"])),
        answer=("{", "}"),
        closing=draw(st.sampled_from(["", CLOSING])),
        answer_tokens=draw(st.integers(0, 6)),
    )
    pieces = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12)
    return Run(
        team,
        draw(st.lists(pieces, min_size=count, max_size=count)),
        draw(pieces),
        max_tokens=draw(st.integers(1, 120)),
        window=draw(st.one_of(st.just(100_000), st.integers(len(PROMPT) + 1, len(PROMPT) + 150))),
    )


any_run = given(st.one_of(runs(), runs(empty_headers=True)))


@any_run
def test_the_transcript_is_all_that_was_generated_once_and_its_text_is_that_of_its_ids(
    run: Run,
) -> None:
    assert sum(passage.tokens for passage in run.passages) == len(run.ids)
    assert run.text == run.decode(run.ids)
    generated = [id for id in run.ids if id >= SAMPLED]
    assert len(generated) == len(set(generated))
    for step in run.steps:
        assert len(step.generated) == step.passage.generated > 0
    for worker in range(len(run.team.workers)):
        own = [id for step in run.of(worker) for id in step.generated]
        assert own == sorted(own)


@any_run
def test_usage_is_the_transcript_with_the_prompt(run: Run) -> None:
    generated = sum(passage.generated for passage in run.passages)
    marks = len(run.team.others + run.team.own) if run.shows_marks and run.begun else 0
    usage = run.end.usage
    assert usage.generated_tokens == generated <= run.max_tokens
    assert usage.prompt_tokens == len(PROMPT) + marks + len(run.ids) - generated
    assert usage.cached_tokens == 0
    for before, after in pairwise(chunk.usage for chunk in run.chunks):
        assert before.generated_tokens <= after.generated_tokens
        assert before.prompt_tokens <= after.prompt_tokens


@any_run
def test_drafts_tell_all_that_a_worker_has_in_the_transcript_as_it_comes(run: Run) -> None:
    for worker in range(len(run.team.workers)):
        drafts = [draft for chunk in run.chunks for draft in chunk.drafts if draft.worker == worker]
        ids = tuple(id for draft in drafts for id in draft.token_ids)
        assert ids == tuple(id for step in run.of(worker) for id in step.ids)
        text = "".join(draft.text for draft in drafts)
        assert run.decode(ids).startswith(text)
        assert all(draft.token_ids for draft in drafts)


@any_run
def test_nothing_is_fed_twice_and_only_what_stands_in_the_transcript(run: Run) -> None:
    fed = [id for id in run.decoder.fed if id >= SAMPLED]
    assert len(fed) == len(set(fed))
    generated = {id for id in run.ids if id >= SAMPLED}
    assert set(fed) <= generated
    if run.of(None):
        assert generated - set(fed) == {run.ids[-1]}


@given(runs())
def test_history_and_transcript_have_the_same_order(run: Run) -> None:
    said = tuple(run.decoder.history[len(PROMPT) :])
    if run.team.layout != "contiguous":
        assert said == run.ids[: len(said)]
    elif run.of(None):
        workers = range(len(run.team.workers))
        assert said == tuple(id for worker in workers for step in run.of(worker) for id in step.ids)
    if run.of(None):
        closing = run.of(None)[0].ids
        assert said + closing == (*said, *run.decoder.blocks[0], run.ids[-1])
        assert len(said) + len(closing) == len(run.ids)


@given(runs(empty_headers=True))
def test_workers_without_a_header_begin_after_the_last_token_before_their_own(run: Run) -> None:
    own = tuple(map(ord, run.team.own)) if run.shows_marks else ()
    last = (own or PROMPT)[-1]
    begun = any(passage.worker is not None for passage in run.passages)
    if not run.begun:
        return
    copies = len(set(run.decoder.passes[0])) if begun else 1
    assert run.decoder.fed.count(last) == copies
    if run.team.layout != "contiguous" and run.of(None):
        rest = [id for id in run.decoder.history if id != last]
        before = [id for id in PROMPT if id != last]
        assert tuple(rest[len(before) :]) == run.ids[: len(rest) - len(before)]


@any_run
def test_a_step_ends_where_it_has_to_and_the_transcript_has_the_order_of_their_ends(
    run: Run,
) -> None:
    pause = run.decoder.vocabulary.encode(run.team.pause)
    for step in run.steps[: len(run.steps) - len(run.of(None))]:
        before = run.decode(step.generated[:-1]).removesuffix("\ufffd")
        assert end_of_step(before, 0, run.team.answer) is None
        assert len(step.generated) <= run.team.step_tokens
        put_in = () if run.ended_by_itself(step) else pause
        last = step.ids.index(step.generated[-1])
        assert step.ids[last + 1 :] == put_in
    finished = run.finished_steps
    assert finished == run.steps[: len(finished)]
    order = [(run.passed(step), step.passage.worker) for step in finished]
    assert order == sorted(order, key=lambda end: (end[0], end[1] or 0))
    unfinished = [step.passage.worker for step in run.steps[len(finished) :]]
    assert unfinished == sorted(unfinished, key=lambda worker: (worker is None, worker))


@any_run
def test_a_chunk_has_the_steps_that_its_round_finished(run: Run) -> None:
    told = [(number, p) for number, chunk in enumerate(run.chunks) for p in chunk.passages]
    for (number, _), step in zip(told, run.finished_steps, strict=False):
        assert number == run.passed(step)


@any_run
def test_no_worker_waits_for_another(run: Run) -> None:
    everybody = tuple(range(len(run.team.workers)))
    rounds = len(run.decoder.passes)
    if run.end.finish_reason == "length":
        rounds = len(run.chunks) - 1
    for closing in run.of(None):
        rounds -= closing.passage.generated - 1
    # Only in the last round may there be fewer tokens than workers.
    for blocks in run.decoder.passes[: max(rounds - 1, 0)]:
        assert blocks == everybody
    for worker in everybody:
        steps = run.of(worker)
        opened = sum(step.ids[0] < SAMPLED for step in steps[1:])
        kept = sum(step.passage.generated for step in steps)
        if run.team.layout == "contiguous":
            # No block moves there, so that the next step begins in the round that feeds the end of the one before.
            opened = 0
        assert 0 <= rounds - kept - opened <= 2


@any_run
def test_the_question_comes_by_the_count_of_all_tokens(run: Run) -> None:
    workers = [step for step in run.steps if step.passage.worker is not None]
    rounds = sorted(run.decoder.sampled_in[id] for step in workers for id in step.generated)
    asked_at = 0
    for step in run.finished_steps:
        total = sum(number <= run.passed(step) for number in rounds)
        is_due = 0 < run.team.question_every < total - asked_at
        if is_due:
            asked_at = total
        own = run.of(step.passage.worker)
        following = own[own.index(step) + 1 :]
        if following:
            assert (ord(QUESTION) in following[0].ids) == is_due
    for worker in range(len(run.team.workers)):
        assert not any(ord(QUESTION) in step.ids for step in run.of(worker)[:1])


@any_run
def test_the_first_finished_step_with_an_answer_ends_it_and_else_a_limit_does(run: Run) -> None:
    answered = [
        final_answer(run.decode(step.generated), run.team.answer) is not None
        for step in run.finished_steps
    ]
    by_workers = sum(p.generated for p in run.passages if p.worker is not None)
    asks = bool(run.team.closing) and run.team.answer_tokens > 0
    kept = min(run.team.answer_tokens, run.max_tokens) if asks else 0
    unfinished = any(
        final_answer(run.decode(step.generated), run.team.answer)
        for step in run.steps
        if step.passage.worker is not None
    )
    if run.end.finish_reason == "stop" and not any(answered):
        # The room was used up, and one that was not finished had it.
        assert unfinished
        assert not run.of(None)
        if run.window == 100_000:
            assert by_workers == run.max_tokens - kept
        return
    if run.end.finish_reason == "stop":
        last = run.passed(run.finished_steps[-1])
        assert all(
            run.passed(step) == last
            for step, has in zip(run.finished_steps, answered, strict=True)
            if has
        )
        assert not run.of(None)
        return
    assert not unfinished
    assert bool(run.of(None)) == (asks and run.begun)
    assert by_workers <= run.max_tokens - kept
    if run.window == 100_000:
        assert by_workers == run.max_tokens - kept
    for step in run.of(None):
        written = [run.decode(step.generated[:end]) for end in range(len(step.generated) + 1)]
        closed = [bool(answers(run.team.closing + text, run.team.answer)) for text in written]
        assert not any(closed[:-1])
        assert closed[-1] or len(step.generated) == kept


@any_run
def test_the_window_holds_all_of_it(run: Run) -> None:
    assert run.decoder.longest <= run.window
    if run.begun:
        assert run.end.usage.prompt_tokens + run.end.usage.generated_tokens <= run.window


def team(workers: int = 2, **options: object) -> Collaboration:
    names = tuple("ABCD"[:workers])
    plain = {
        "header": "{name}{number}:",
        "answer": ("{", "}"),
        "closing": CLOSING,
        "answer_tokens": 2,
    }
    return Collaboration.model_validate({"workers": names, **plain, **options})


def test_a_token_that_is_glued_to_the_end_of_a_step_belongs_to_it() -> None:
    run = Run(team(1), [[b"Yes.", b"\n\nSo", b" on"]], max_tokens=6)
    assert run.text.startswith("A1:Yes.\n\nSoA2:")


def test_a_step_may_end_with_its_first_token() -> None:
    run = Run(team(1), [[b"Yes.\n\n"]], max_tokens=4)
    assert run.text == f"A1:Yes.\n\nA2:Yes.\n\n{CLOSING}7}}"


def test_a_round_that_has_fewer_tokens_left_than_workers_is_the_first_ones() -> None:
    run = Run(team(4, answer_tokens=0), [[b"a"]] * 4, max_tokens=6)
    assert [passage.generated for passage in run.passages] == [2, 2, 1, 1]


def test_fewer_tokens_than_workers_leave_some_without_a_word() -> None:
    run = Run(team(4, answer_tokens=0), [[b"a"]] * 4, max_tokens=3)
    assert run.text == "A1:a\n\nB1:a\n\nC1:a\n\n"


def test_a_limit_below_that_of_the_answer_leaves_the_closing_alone() -> None:
    run = Run(team(2, answer_tokens=8), [[b"a"]] * 2, [b"1"], max_tokens=3)
    assert run.text == f"{CLOSING}111"
    assert run.end.finish_reason == "length"


def test_an_answer_that_never_closes_ends_at_its_limit() -> None:
    run = Run(team(1, answer_tokens=5), [[b"a"]], [b"{1"], max_tokens=7)
    assert run.text == f"A1:aa\n\n{CLOSING}" + "{1" * 5


def test_an_answer_ends_with_its_own_bracket() -> None:
    run = Run(team(1, answer=("<{", "}"), closing="<{", answer_tokens=9), [[b"a"]], [b"{1", b"}"])
    assert run.text.endswith("<{" + "{1}" * 4 + "{1")
    run = Run(
        team(1, answer=("<{", "}"), closing="<{", answer_tokens=9),
        [[b"a"]],
        [b"{1", b"}", b"}", b"!"],
    )
    assert run.text.endswith("<{{1}}")


def test_an_answer_in_an_unfinished_step_counts_where_the_room_is_used_up() -> None:
    run = Run(team(1, step_tokens=50), [[b"{4}"]], max_tokens=20)
    assert run.end.finish_reason == "stop"
    assert not run.of(None)
    assert run.end.usage.generated_tokens == 20 - run.team.answer_tokens


def test_what_was_put_in_neither_ends_a_step_nor_answers() -> None:
    run = Run(team(1, header="Is it {{4}}.\n\n"), [[b"\n\n"]], max_tokens=5)
    assert len(run.of(0)) == 1
    assert run.end.finish_reason == "length"


def test_a_worker_that_repeats_itself_is_bounded_by_its_steps_and_by_all() -> None:
    run = Run(team(2, step_tokens=10), [[b"a"], [b"Yes.\n\n"]], max_tokens=102)
    assert run.end.usage.generated_tokens == 102
    assert {step.passage.generated for step in run.of(0)[:-1]} == {10}


def test_a_window_without_room_for_the_closing_ends_it_at_once() -> None:
    run = Run(team(), [[b"a"]] * 2, window=len(PROMPT) + 5)
    assert (run.text, run.end.finish_reason, run.passages) == ("", "length", [])
    assert run.end.usage.prompt_tokens == len(PROMPT)


def test_a_step_that_ended_when_the_room_did_comes_before_the_unfinished_ones() -> None:
    run = Run(team(), [[b"a"], [b"a", b"Yes.\n\n"]], max_tokens=6)
    said = run.decode(run.decoder.history[len(PROMPT) :])
    assert run.text == f"{said}{CLOSING}7}}" == f"B1:aYes.\n\nA1:aa\n\n{CLOSING}7}}"


def test_without_headers_too_the_order_is_that_of_the_ends() -> None:
    run = Run(
        team(header="", own="", pause=""),
        [[b"a", b"a", b"Yes.\n\n"], [b"a", b"No.\n\n"]],
        max_tokens=7,
    )
    assert run.text.startswith("aNo.\n\naaYes.\n\n")
    said = run.decode(run.decoder.history).replace(chr(PROMPT[-1]), "")
    assert said.endswith("aNo.\n\naaYes.\n\n")


@pytest.mark.parametrize("header", ["", "{name}{number}:"])
@pytest.mark.parametrize("room", range(20, 40))
def test_a_window_is_never_left(header: str, room: int) -> None:
    everybody = team(4, header=header, others="", own="", answer_tokens=3)
    run = Run(everybody, [[b"a"]] * 4, [b"1"], window=len(PROMPT) + room)
    assert run.decoder.longest < run.window
    assert run.text.endswith(f"{CLOSING}111")


def test_no_room_is_kept_for_a_closing_that_does_not_come() -> None:
    run = Run(team(1, answer_tokens=0, closing="c" * 50), [[b"a"]], window=len(PROMPT) + 10)
    assert run.text == "A1:aaaaa\n\n"


def test_a_closing_that_has_an_answer_itself_waits_for_another() -> None:
    run = Run(team(1, closing="Not {1}, {", answer_tokens=9), [[b"a"]], [b"2", b"}"], max_tokens=11)
    assert run.text == "A1:aa\n\nNot {1}, {2}"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_worker_without_a_header_reads_what_one_writer_would(layout: Layout) -> None:
    run = Run(
        team(1, layout=layout, header="", question_every=0),
        [[b"Yes.", b"\n\n", b"No"]],
        max_tokens=11,
    )
    assert tuple(run.decoder.history + run.decoder.blocks[0]) == PROMPT + run.ids[:-1]
    # A pass for each token, and one for what is pending when it closes.
    assert len(run.decoder.passes) == 9 + 1 + 2


def test_a_prompt_is_read_in_pieces() -> None:
    decoder = RecordingDecoder(team(1), [[b"a"]], [b"}"])
    sampling = Sampling(max_tokens=3, collaboration=team(1))
    session = Session(PROMPT, sampling, decoder, decoder.vocabulary, window=100_000)
    assert [session.advance(), session.advance()] == [None, None]
    assert session.advance() is not None


def test_a_session_is_of_workers() -> None:
    decoder = RecordingDecoder(team(1), [[b"a"]], [b"}"])
    with pytest.raises(ValueError, match="collaboration"):
        Session(PROMPT, Sampling(), decoder, decoder.vocabulary, window=100)
