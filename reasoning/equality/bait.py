r"""Whether an answer is too long, too large or too deep for mathematics to be tried. Pure.

A model's text is the grader's input, and some of it makes a computer algebra system compute for hours: `9^{9^9}`,
`10000000!`, `\binom{10000000}{5000000}`. What is left through here still runs under a limit of time and memory; this
only spares a worker from being killed for what can be told at sight.
"""

from __future__ import annotations

import re

LONGEST = 500
"""In characters: longer than any known answer of the usual sets, short enough that math-verify's patterns end."""

_DEEPEST = 24  # of brackets in brackets; its grammar takes exponential time beyond some more

_HUGE = re.compile(
    r"""\d{100}                                   # a number that is all digits
    | (?:\^|\*\*) \s* [{(]* \s* [-+]? \d{5}       # an exponent of five digits
    | (?:\^|\*\*) \s* [{(]* \s* [-+]? \d+ [)}\s]* (?:\^|\*\*) \s* [{(]* \s* [-+]? \d  # a tower
    | [)}] \s* (?:\^|\*\*) \s* [{(]* \s* \d+ [)}\s]* (?:\^|\*\*) \s* [{(]* \s* \d     # a tower on a bracket
    | \d{5} [\s)}]* !                             # factorials of five digits
    | ! [\s)}]* !                                 # of factorials
    | (?:\^|\*\*) \s* [{(]* \s* [-+]? \d{2,} [\s)}]* !  # in exponents
    | (?:binom|choose) \s* \{? \s* \d{5}
    | \d{5} \s* \}? \s* \\choose
    """,
    re.VERBOSE,
)


def is_bait(text: str) -> bool:
    r"""Whether computing with it is not to be tried.

    >>> is_bait("9^9^9"), is_bait("10000000!"), is_bait("2^{100}"), is_bait("(" * 200), is_bait(r"e^{x^2}")
    (True, True, False, True, False)
    """
    return len(text) > LONGEST or _HUGE.search(text) is not None or _depth(text) > _DEEPEST


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest
