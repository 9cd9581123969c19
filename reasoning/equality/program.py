"""math-verify as a program that can be killed: comparisons come in by standard input, a line each.

It is in no package when it runs, and imports nothing of ours. It ends when its standard input does, so it never
outlives the caller.

    {"known": "$1/2$", "answer": "$0.5$", ...}  ->  true, false, or null for what cannot be read
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import Any

SECONDS = 3.0
"""For one comparison. Of all that the recorded answers need, math-verify decides the slowest in 0.9 s, and on a core
that others share in twice that; what takes longer does not end for minutes."""

_BYTES = (
    4 << 30
)  # of addresses, of which most are never touched; numbers that need more are not compared


# One of each kind, since the parser is slow at what it has not yet seen.
_WARM_UP = (
    r"$\sum_{k=0}^{n-1} F_k \le \sqrt[3]{x}$",
    r"$x \in (-\infty,1]\cup[2,\frac{5 \pi^2}{4})$",
    r"$\begin{pmatrix} 1/2 & 2\pi \\ -x & \sin x \end{pmatrix}$",
    r"$\{1 \pm \sqrt{5}, -2\}$",
    r"$f(x)=\binom{n}{k} x$",
    "$(1, 2)$",
)


# A vote compares each answer with many.
@lru_cache(maxsize=10_000)
def _parsed(text: str) -> tuple[Any, ...]:
    from math_verify import parse

    # Without its own limits of time, which are alarms of whole seconds for each step.
    return tuple(parse(text, parsing_timeout=None))


def _is_read(parsed: tuple[Any, ...]) -> bool:
    # Where it can make no sense of a formula it gives the text.
    return any(not isinstance(one, str) for one in parsed)


def compare(
    known: str,
    answer: str,
    symmetric: bool,
    tolerance: float,
    relative: float,
    **settings: Any,
) -> bool | None:
    """Whether two answers are equal; None if one of them cannot be read."""
    one, other = _parsed(known), _parsed(answer)
    if not one or not other:
        return None
    # math-verify is not symmetric: an interval may equal a tuple one way round only.
    if _verified(one, other, settings) or (symmetric and _verified(other, one, settings)):
        return True
    if not _is_read(one) or not _is_read(other):
        return None
    return bool(tolerance or relative) and _close(one[0], other[0], tolerance, relative)


def _verified(known: tuple[Any, ...], answer: tuple[Any, ...], settings: dict[str, Any]) -> bool:
    from math_verify import verify

    return bool(verify(list(known), list(answer), timeout_seconds=None, **settings))


def _close(known: Any, answer: Any, tolerance: float, relative: float) -> bool:
    values = []
    for one in (known, answer):
        value = one.doit()
        values.append(float((value.rhs if hasattr(value, "rhs") else value).evalf()))
    return abs(values[0] - values[1]) <= max(tolerance, relative * abs(values[0]))


def _serve() -> None:
    # What libraries print must not get between the answers, nor fill the file of the reasons for not starting.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # Before the first comparison, whose time is measured: imports, and tables that the parser makes on first use.
    for text in _WARM_UP:
        compare(text, "$x^2+1$", True, 0, 0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    answers.write("ready\n")
    for line in sys.stdin:
        request = json.loads(line)
        # The kernel ends the process when it has worked so long: nothing in it needs to run for that, and waiting for a
        # busy machine costs nothing.
        signal.setitimer(signal.ITIMER_PROF, request.pop("seconds"))
        try:
            equal = compare(**request)
        except Exception:  # Whatever sympy raises means that it cannot tell.
            equal = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(equal) + "\n")


if __name__ == "__main__":
    _serve()
