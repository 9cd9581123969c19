"""A question's sentences in another order. Pure.

The conditions before the question itself change places: the lines of a list where there is one, else the sentences.
What stands between them, and the numbers or marks of a list, stay where they are.
"""

from __future__ import annotations

import itertools
import math
import re

# Of so many conditions all orders are known, of more only some.
_MOST_MOVED = 4
_ITEM = re.compile(r"^([^\S\n]*(?:[-*•]|\(?\w{1,2}[.)])\s+)(\S.*)$", re.MULTILINE)
# A full stop after one letter or a title ends no sentence, nor one before a small letter.
_SENTENCE_END = re.compile(
    r"(?<!\b[^\W\d]\.)(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|vs|No)\.)(?<!\bMrs\.)(?<=[.!?])\s+(?=[^\sa-z])"
)


def orders(text: str) -> int:
    """In how many other orders the conditions can stand; no more than anybody asks for.

    >>> orders("Tom has 3 pens. Ann has 4. How many have both?"), orders("What is 3 + 4?")
    (1, 0)
    """
    return math.factorial(min(len(_conditions(text)), _MOST_MOVED)) - 1


def in_order(text: str, number: int) -> str:
    """The text with its conditions in the order of that number, counted from 0: the first is the reverse.

    >>> in_order("Tom has 3 pens. Ann has 4. How many have both?", 0)
    'Ann has 4. Tom has 3 pens. How many have both?'
    """
    places = _conditions(text)
    # The last permutation of the reverse is the order as it was.
    reverse = range(len(places) - 1, -1, -1)
    order = next(itertools.islice(itertools.permutations(reverse), number, None))
    pieces, end = [], 0
    for place, source in zip(places, order, strict=True):
        pieces += [text[end : place.start], text[places[source]]]
        end = place.stop
    return "".join([*pieces, text[end:]])


def _conditions(text: str) -> list[slice]:
    """Where in the text those stand that can change places."""
    items = [slice(*match.span(2)) for match in _ITEM.finditer(text)]
    if len(items) > 1:
        return items
    ends = [match.span() for match in _SENTENCE_END.finditer(text.rstrip())]
    starts = [0, *(end for _, end in ends)]
    # The last sentence is the question.
    return [slice(start, end) for start, (end, _) in zip(starts, ends, strict=False)]
