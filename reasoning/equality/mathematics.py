"""Whether two answers are the same in the sense of mathematics.

at sight? ─> bait, or prose? ─> known from before? ─> math-verify, in a process that can be killed
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import anyio
from anyio.lowlevel import RunVar

from .at_sight import as_text, decided_at_sight
from .bait import LONGEST, is_bait
from .pool import Pool
from .program import SECONDS
from .readable import is_sentence, readable
from .rules import BOTH_WAYS, KNOWN_FIRST, Rules

Equality = Callable[[str, str], Awaitable[bool]]

POOL = Pool()
"""The workers of this process."""

_REMEMBERED = 50_000
_Key = tuple[str, str, Rules]
_known: OrderedDict[_Key, bool | None] = OrderedDict()
# Events belong to an event loop.
_ASKED: RunVar[dict[_Key, anyio.Event]] = RunVar("forkjoin-equality-asked")


async def equal(first: str, second: str) -> bool:
    """Whether two answers are equal: as texts, as numbers, or as math-verify sees them.

    What is too long or too large to be worth computing is compared as text.

    Raises:
        EqualityUnavailable: math-verify is needed and does not start.
    """
    # Whole texts, of samples that were cut before they came to an answer: a thousand of them are half a million pairs.
    if min(len(first), len(second)) > LONGEST:
        return as_text(first) == as_text(second)
    return await compared(first, second, BOTH_WAYS) is True


async def compared(known: str, answer: str, rules: Rules = KNOWN_FIRST) -> bool | None:
    """Whether an answer is the known one; None where nobody can tell: it cannot be read, or not computed in time.

    Raises:
        EqualityUnavailable: math-verify is needed and does not start.
    """
    at_sight = decided_at_sight(known, answer, rules)
    if at_sight is not None:
        return at_sight
    if any(is_bait(text) or is_sentence(text) for text in (known, answer)):
        return None
    return await _asked_once((known, answer, rules))


async def _asked_once(key: _Key) -> bool | None:
    """What a worker says, or said; who asks while another task does waits for that one."""
    try:
        asked = _ASKED.get()
    except LookupError:
        asked = {}
        _ASKED.set(asked)
    while key not in _known:
        if key in asked:
            await asked[key].wait()
            continue
        asked[key] = anyio.Event()
        try:
            _known[key] = await POOL.compare(_request(*key))
        finally:
            asked.pop(key).set()
        if len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return _known[key]


def _request(known: str, answer: str, rules: Rules) -> dict[str, object]:
    return {
        "known": readable(known),
        "answer": readable(answer),
        "symmetric": rules.symmetric,
        "tolerance": rules.tolerance,
        "relative": rules.relative,
        "float_rounding": rules.decimals,
        "strict": rules.strict,
        "allow_set_relation_comp": rules.relations,
        "seconds": SECONDS,
    }
