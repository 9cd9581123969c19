"""How the things of a journal become values of its tables, and back. Pure."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from itertools import islice

from engines import Logprob, Passage, TokenLogprobs, Usage

Value = str | bytes | bytearray | int | float | None
"""What a column takes. `sqlite3` asks for an adapter of each None and each `bytes`, which costs it ten times as much as
to bind a number or a `bytearray`."""


def pack_ids(token_ids: Sequence[int] | None) -> bytearray | None:
    """Ids as four bytes each, in the order of this machine, as a context's digest takes them."""
    return None if token_ids is None else bytearray(array("I", token_ids))


def unpack_ids(packed: bytes | None) -> tuple[int, ...] | None:
    """The ids again."""
    if packed is None:
        return None
    ids = array("I")
    ids.frombytes(packed)
    return tuple(ids)


def pack_text(text: str | None) -> str | bytes | None:
    """A text as it is, or as a blob where it is no Unicode: half a surrogate pair fits into no text of SQLite."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def unpack_text(packed: str | bytes) -> str:
    """The text again."""
    return packed if isinstance(packed, str) else packed.decode("utf-8", "surrogatepass")


def pack_stop(stop: str | int | None) -> Value:
    """A stop reason: a text or an id."""
    return pack_text(stop) if isinstance(stop, str) else stop


def unpack_stop(packed: str | bytes | int | None) -> str | int | None:
    """The stop reason again."""
    return unpack_text(packed) if isinstance(packed, bytes) else packed


def pack_usage(usage: Usage) -> tuple[int, int | None, int, int]:
    """The columns of a usage."""
    return (
        usage.prompt_tokens,
        usage.cached_tokens,
        usage.generated_tokens,
        int(usage.lower_bound),
    )


def unpack_usage(columns: Sequence[int | None]) -> Usage:
    """The usage again."""
    prompt, cached, generated, lower_bound = columns
    return Usage(
        prompt_tokens=prompt or 0,
        cached_tokens=cached,
        generated_tokens=generated or 0,
        lower_bound=bool(lower_bound),
    )


def pack_logprobs(places: Sequence[TokenLogprobs]) -> bytearray | int:
    """Logprobs, exactly: each token once as JSON, then for each place its tokens by number, and their values.

    Without any it is 0, which costs a row less than None does.
    """
    if not places:
        return 0
    tokens = [token for place in places for token in (place.chosen, *place.top)]
    numbers = {known: number for number, known in enumerate(dict.fromkeys(map(_known, tokens)))}
    head = json.dumps([list(numbers), [len(place.top) for place in places]]).encode()
    values = [token.value for token in tokens]
    # What an engine computes in single precision is kept so: a third less.
    packed = array("f", values)
    if packed.tolist() != values:
        packed = array("d", values)
    lengths = array("I", [len(head), packed.itemsize])
    indices = array("I", [numbers[_known(token)] for token in tokens])
    return bytearray(b"".join((lengths.tobytes(), head, indices.tobytes(), packed.tobytes())))


def unpack_logprobs(packed: bytes | int) -> tuple[TokenLogprobs, ...]:
    """The logprobs again."""
    if isinstance(packed, int):
        return ()
    length, size = array("I", packed[:8])
    known, tops = json.loads(packed[8 : 8 + length])
    count = len(tops) + sum(tops)
    indices, values = array("I"), array("f" if size == 4 else "d")
    indices.frombytes(packed[8 + length : 8 + length + 4 * count])
    values.frombytes(packed[8 + length + 4 * count :])
    tokens = (
        Logprob(known[number][0], value, known[number][1])
        for number, value in zip(indices, values, strict=True)
    )
    return tuple(TokenLogprobs(next(tokens), tuple(islice(tokens, top))) for top in tops)


def pack_passages(passages: Sequence[Passage]) -> bytearray | int:
    """Three numbers for each, of which the first is 0 for nobody's; without any it is 0, as for logprobs."""
    if not passages:
        return 0
    numbers = array("I")
    for passage in passages:
        worker = 0 if passage.worker is None else passage.worker + 1
        numbers.extend((worker, passage.tokens, passage.generated))
    return bytearray(numbers)


def unpack_passages(packed: bytes | int) -> tuple[Passage, ...]:
    """The passages again."""
    if isinstance(packed, int):
        return ()
    numbers = array("I", packed)
    return tuple(
        Passage(worker - 1 if worker else None, tokens, generated)
        for worker, tokens, generated in zip(
            numbers[::3], numbers[1::3], numbers[2::3], strict=True
        )
    )


def _known(token: Logprob) -> tuple[str, int | None]:
    return token.text, token.token_id
