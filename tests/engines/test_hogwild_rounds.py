from __future__ import annotations

from collections.abc import Iterator

from engines import Chunk, Draft, Passage, Usage
from engines.hogwild.rounds import advance


def chunk(round: int, *, last: bool = False) -> Chunk:
    drafts = tuple(Draft(worker, f"{worker}{round} ", (worker, round)) for worker in (1, 0))
    return Chunk(
        text=f"{round}",
        token_ids=(round,),
        usage=Usage(generated_tokens=round),
        finish_reason="stop" if last else None,
        passages=(Passage(0, 1, round),),
        drafts=drafts[: 3 - round],
    )


class Told:
    def __init__(self, *chunks: Chunk | None) -> None:
        self._chunks: Iterator[Chunk | None] = iter(chunks)

    def advance(self) -> Chunk | None:
        return next(self._chunks)


def test_rounds_become_one_chunk_with_one_draft_for_each_worker() -> None:
    whole = advance(Told(chunk(1), chunk(2), chunk(3)), 2)
    assert whole == Chunk(
        text="12",
        token_ids=(1, 2),
        usage=Usage(generated_tokens=2),
        passages=(Passage(0, 1, 1), Passage(0, 1, 2)),
        drafts=(Draft(0, "01 ", (0, 1)), Draft(1, "11 12 ", (1, 1, 1, 2))),
    )


def test_nothing_is_done_after_the_end() -> None:
    whole = advance(Told(chunk(1), chunk(2, last=True)), 9)
    assert whole is not None
    assert (whole.text, whole.finish_reason) == ("12", "stop")


def test_a_piece_of_the_prompt_is_a_turn_of_its_own() -> None:
    told = Told(None, None, chunk(1, last=True))
    assert [advance(told, 5) for _ in range(3)] == [None, None, chunk(1, last=True)]
