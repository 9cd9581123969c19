from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engines import Chunk, Sampling
from engines.hogwild.decoder import Sampled
from engines.hogwild.plain_writer import PlainWriter
from engines.hogwild.rounds import advance

EOS = ord("$")


class Characters:
    """A token is a character."""

    def encode(self, text: str) -> Sequence[int]:
        return tuple(map(ord, text))

    def reader(self, *, skip_special_tokens: bool) -> Characters:
        assert skip_special_tokens
        return self

    def read(self, token_id: int) -> str:
        return chr(token_id)

    def rest(self) -> str:
        return ""

    def text_of(self, token_id: int) -> str:
        return chr(token_id)


class Scripted:
    """A decoder that says a text whatever it is fed, and keeps what that was."""

    def __init__(self, text: str) -> None:
        self.fed = ""
        self.passes: list[int] = []
        self._said = iter(text)

    def read(self, token_ids: Sequence[int], block: int | None = None) -> None:
        assert block is None
        self.fed += "".join(map(chr, token_ids))
        self.passes.append(len(token_ids))

    def write(
        self, feeds: Mapping[int, Sequence[int]], *, greedy: bool = False
    ) -> Mapping[int, Sampled]:
        assert not greedy
        self.fed += "".join(map(chr, feeds[0]))
        token = ord(next(self._said))
        return {0: Sampled(token, ((token, -0.5), (token, -0.5), (ord("?"), -2.0)))}

    def commit(self, block: int) -> None:
        raise AssertionError("one writer has nothing to commit")


def written(text: str, prompt: str = "Q:", room: int = 50, **sampling: Any) -> Chunk:
    """All that is written where the model says `text`."""
    chunks = list(chunks_of(Scripted(text), prompt, room, **sampling))
    assert [chunk.finish_reason is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    return Chunk(
        text="".join(chunk.text for chunk in chunks),
        token_ids=tuple(id for chunk in chunks for id in chunk.token_ids),
        usage=chunks[-1].usage,
        finish_reason=chunks[-1].finish_reason,
        stop_reason=chunks[-1].stop_reason,
        logprobs=tuple(place for chunk in chunks for place in chunk.logprobs),
    )


def chunks_of(decoder: Scripted, prompt: str, room: int, **sampling: Any) -> Sequence[Chunk]:
    writer = PlainWriter(
        tuple(map(ord, prompt)),
        Sampling.model_validate(sampling),
        decoder,
        Characters(),
        eos_ids={EOS},
        room=room,
    )
    chunks: list[Chunk] = []
    while not chunks or chunks[-1].finish_reason is None:
        chunk = advance(writer, 3)
        if chunk is not None:
            chunks.append(chunk)
    return chunks


@pytest.mark.parametrize(
    ("said", "sampling", "text", "ids", "ending"),
    [
        ("ab$c", {}, "ab", "ab$", ("stop", None)),
        ("ab$c", {"ignore_eos": True, "stop": ("c",)}, "ab$", "ab$c", ("stop", "c")),
        ("abc", {"stop_token_ids": (ord("b"),)}, "a", "ab", ("stop", ord("b"))),
        ("one END two", {"stop": ("END", "two")}, "one ", "one END", ("stop", "END")),
        ("one EN$", {"stop": ("END",)}, "one EN", "one EN$", ("stop", None)),
    ],
)
def test_a_completion_ends_where_it_is_to(
    said: str,
    sampling: dict[str, Any],
    text: str,
    ids: str,
    ending: tuple[str, str | int | None],
) -> None:
    whole = written(said, **sampling)
    assert (whole.text, "".join(map(chr, whole.token_ids))) == (text, ids)
    assert (whole.finish_reason, whole.stop_reason) == ending
    assert whole.usage.generated_tokens == len(ids)
    assert whole.usage.prompt_tokens == 2


def test_the_room_ends_a_completion_with_what_was_held_back() -> None:
    whole = written("one ENDING", room=6, stop=("END",))
    assert (whole.text, whole.finish_reason, whole.stop_reason) == ("one EN", "length", None)


def test_a_stop_text_that_is_complete_with_the_last_token_has_stopped_it() -> None:
    assert written("one END", room=7, stop=("END",)).finish_reason == "stop"


def test_every_token_is_fed_once_and_a_long_prompt_is_read_in_pieces() -> None:
    prompt = "x" * 1200 + ":"
    decoder = Scripted("abc$")
    chunks_of(decoder, prompt, room=50)
    assert decoder.fed == prompt + "abc"
    assert decoder.passes == [512, 512, 176]


def test_a_prompt_of_one_token_needs_no_reading() -> None:
    decoder = Scripted("a$")
    chunks_of(decoder, "Q", room=50)
    assert (decoder.fed, decoder.passes) == ("Qa", [])


def test_logprobs_tell_the_token_itself_and_as_many_as_were_asked_for() -> None:
    whole = written("ab$", logprobs=2)
    assert [place.chosen.text for place in whole.logprobs] == ["a", "b", "$"]
    assert [token.text for token in whole.logprobs[0].top] == ["a", "?"]
    assert written("ab$", logprobs=0).logprobs[0].top == ()
    assert written("ab$").logprobs == ()
