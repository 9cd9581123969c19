r"""What a summary says of threads: what each got, how often so far, and which it takes. Pure and exact.

    1: 15678 (1)
    2: 15688 (1)            where several results are as frequent, those are checked modulo 9, digit by digit:
    3: 15678 (2)
    4: -                    Modulo 9:
    Most often: 15678       234: 0+2=2 2+3=5 5+4=0
                            67: 0+6=6 6+7=4
    \boxed{15678}           0*4=0
                            15688: 0+1=1 1+5=6 6+6=3 3+8=2 2+8=1 no
                            15678: 0+1=1 1+5=6 6+6=3 3+7=1 1+8=0 yes

Where none passes, or no thread came to a result, the summary computes the usual way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..products.expression import Expression
from .threads import factors_of, solved
from .ways import by_digits


def summary_of(expression: Expression, results: Sequence[int | None]) -> str:
    r"""The summary of threads with these results, in their order; None for a thread without one.

    The result that it comes to is the right one where most threads have it, or where it is as frequent as others that
    differ from it modulo 9.

    >>> from training.skills.products.expression import Term
    >>> print(summary_of(Expression((Term((12, 3)),)), [36, None, 35, 36]))
    1: 36 (1)
    2: -
    3: 35 (1)
    4: 36 (2)
    Most often: 36
    <BLANKLINE>
    \boxed{36}
    """
    lines = _tally(results)
    leaders = _leaders(results)
    lines.append(f"Most often: {' '.join(map(str, leaders)) or '-'}")
    if len(leaders) == 1:
        return _ended(lines, leaders[0])
    if leaders:
        checked, passed = _checked(expression, leaders)
        lines += checked
        if passed is not None:
            return _ended(lines, passed)
    usual = solved(expression, [by_digits] * len(factors_of(expression)))
    return "\n".join([*lines, usual.text])


def _tally(results: Sequence[int | None]) -> list[str]:
    seen: Counter[int] = Counter()
    lines = []
    for number, result in enumerate(results, start=1):
        if result is None:
            lines.append(f"{number}: -")
        else:
            seen[result] += 1
            lines.append(f"{number}: {result} ({seen[result]})")
    return lines


def _leaders(results: Sequence[int | None]) -> list[int]:
    """The most frequent results, in their order."""
    counts = Counter(result for result in results if result is not None)
    most = max(counts.values(), default=0)
    return [result for result, count in counts.items() if count == most]


def _checked(expression: Expression, leaders: Sequence[int]) -> tuple[list[str], int | None]:
    """The check of each until one passes, and which does."""
    lines, wanted = ["Modulo 9:"], 0
    for a, b in factors_of(expression):
        first, second = a % 9, b % 9
        product = first * second % 9
        lines += [_residue(a), _residue(b), f"{first}*{second}={product}"]
        if len(factors_of(expression)) > 1:
            lines.append(f"{wanted}+{product}={(wanted + product) % 9}")
        wanted = (wanted + product) % 9
    for leader in leaders:
        passes = leader % 9 == wanted
        lines.append(f"{_residue(leader)} {'yes' if passes else 'no'}")
        if passes:
            return lines, leader
    return lines, None


def _residue(number: int) -> str:
    steps, rest = [], 0
    for digit in map(int, str(number)):
        after = (rest + digit) % 9
        steps.append(f"{rest}+{digit}={after}")
        rest = after
    return f"{number}: {' '.join(steps)}"


def _ended(lines: Sequence[str], result: int) -> str:
    return "\n".join([*lines, f"\n\\boxed{{{result}}}"])
