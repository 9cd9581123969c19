"""In which steps a problem is solved, and what is written at each of them. Pure and exact.

    234*56+78*912 ─┬─> Find 234*56. ─┬─> the question: add the results
                   └─> Find 78*912. ─┘

What is to be done at a step is told by the conditions and the results that it needs, which are copied; all the rest is
arithmetic on paper.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from evals.tasks.nested_operations import joined

from ..arithmetic.steps import solution
from ..products.expression import Expression, Term
from ..products.work import answers
from ..word_problems.chain import computed
from ..word_problems.steps import NumberStep, Result, with_numbers
from ..word_problems.steps import Step as Operation
from .problem import Crossed, Scaled, StepProblem, Told, split_in_digits

_LINES_A_DIGIT = 3


@dataclass(frozen=True, slots=True)
class Worked:
    """What is written to get a number.

    Attributes:
        text: The work.
        value: What it comes to.
        lines: About how many digits have to be worked out, told by the lengths of the numbers alone.
    """

    text: str
    value: int
    lines: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an outline.

    Attributes:
        task: What the outline says of it.
        needs: The numbers of the steps whose results it uses.
        worked: How it is done.
    """

    task: str
    needs: tuple[int, ...]
    worked: Worked

    @property
    def difficulty(self) -> str:
        """A digit; up to 4 a chain of thought is short and safe, and from 5 on System 2 is worth its tokens.

        Products of three digits by three digits are the easiest of the hard ones: they have 15 lines.
        """
        return str(min(9, self.worked.lines // _LINES_A_DIGIT))

    @property
    def answer(self) -> str:
        """What the thread says that solves it."""
        return f"{self.worked.text}\n\n\\boxed{{{self.worked.value}}}"


@dataclass(frozen=True, slots=True)
class Outlined:
    """A problem in steps; the last one is the question itself."""

    conditions: str
    steps: tuple[Step, ...]

    @property
    def needs(self) -> int:
        """How many results are handed from step to step."""
        return sum(len(step.needs) for step in self.steps)

    def to_json(self) -> str:
        """As the model writes it."""
        steps = [
            {"id": number, "task": step.task, "needs": list(step.needs)}
            for number, step in enumerate(self.steps, start=1)
        ]
        return json.dumps({"conditions": self.conditions, "steps": steps})


def outlines(problem: StepProblem) -> list[Outlined]:
    """Those that are right; the first is the best, as it hands on the fewest results."""
    if isinstance(problem, Scaled):
        return [_scaled(problem)]
    if isinstance(problem, Crossed):
        return [_crossed(problem)]
    if isinstance(problem, Told):
        return [_told(problem)]
    return _sums(problem)


def in_one(problem: Expression | Scaled | Crossed) -> str:
    """The same problem worked out without an outline, as other skills write expressions of its kind."""
    if isinstance(problem, Expression):
        return answers([problem]).chain
    if isinstance(problem, Scaled):
        product, number = problem.inner.terms
        inner = joined("-" if number.taken else "+", joined("*", *product.factors), number.value)
        return solution(joined("*", inner, problem.times))
    first, second = (
        joined("+", *(term.value for term in one.terms)) for one in (problem.first, problem.second)
    )
    return solution(joined("*", first, second))


def _multiplied(a: int, b: int) -> Worked:
    """A product on paper, a digit of the second number after the other, and then their sum."""
    digits = len(split_in_digits(b))
    lines = len(str(a)) * digits + (len(f"{a}{b}") if digits > 1 else 0)
    return _worked(Expression((Term((a, b)),)), lines)


def _combined(terms: Sequence[Term], columns: int = 0) -> Worked:
    """A sum or difference on paper; `columns` is about how many it has, where its numbers are not known yet."""
    lines = (len(terms) - 1) * (columns or max(len(str(term.value)) for term in terms))
    return _worked(Expression(tuple(Term((term.value,), term.taken) for term in terms)), lines)


def _worked(expression: Expression, lines: int) -> Worked:
    # As a chain of thought that is asked for it alone.
    return Worked(answers([expression]).chain, expression.value, lines)


def _sums(problem: Expression) -> list[Outlined]:
    """The products as they stand; and with one of them in digits, which is all there is to do with one alone."""
    found = [_split(problem, problem.terms)]
    for place, term in enumerate(problem.terms):
        parts = split_in_digits(term.factors[-1]) if term.is_product else ()
        if len(parts) > 1:
            finer = [Term((term.factors[0], part), term.taken) for part in parts]
            terms = (*problem.terms[:place], *finer, *problem.terms[place + 1 :])
            in_digits = _split(problem, terms)
            return [*found, in_digits] if len(problem.terms) > 1 else [in_digits]
    return found


def _split(problem: Expression, terms: Sequence[Term]) -> Outlined:
    """A step a product, and one that combines them."""
    products = [term.factors for term in terms if term.is_product]
    found = [Step(f"Find {a}*{b}.", (), _multiplied(a, b)) for a, b in products]
    if len(terms) > 1:
        needs = tuple(range(1, len(found) + 1))
        found.append(Step("Combine the results.", needs, _combined(terms)))
    return Outlined(str(problem), tuple(found))


def _scaled(problem: Scaled) -> Outlined:
    product, number = terms = problem.inner.terms
    a, b = product.factors
    task = (
        "Take {} from the result of step 1." if number.taken else "Add {} to the result of step 1."
    )
    return Outlined(
        str(problem),
        (
            Step(f"Find {a}*{b}.", (), _multiplied(a, b)),
            Step(task.format(number.value), (1,), _combined(terms, columns=len(f"{a}{b}"))),
            Step(
                f"Multiply the result of step 2 by {problem.times}.",
                (2,),
                _multiplied(problem.inner.value, problem.times),
            ),
        ),
    )


def _crossed(problem: Crossed) -> Outlined:
    sums = [
        Step(f"Find {one}.", (), _combined(one.terms)) for one in (problem.first, problem.second)
    ]
    last = _multiplied(problem.first.value, problem.second.value)
    return Outlined(str(problem), (*sums, Step("Multiply the results.", (1, 2), last)))


def _told(problem: Told) -> Outlined:
    """Its steps, one by one."""
    alone = with_numbers(problem.steps)
    steps = (
        Step(_task(step), tuple(sorted(set(step.needs))), _computed(one))
        for step, one in zip(problem.steps, alone, strict=True)
    )
    return Outlined(str(problem), tuple(steps))


def _task(step: Operation) -> str:
    left, right = (
        f"the result of step {side.step}" if isinstance(side, Result) else str(side)
        for side in (step.left, step.right)
    )
    if not step.needs:
        return f"Find {left}{step.operation}{right}."
    return {
        "+": f"Add {right} to {left}.",
        "-": f"Take {right} from {left}.",
        "*": f"Multiply {left} by {right}.",
        "/": f"Divide {left} by {right}.",
    }[step.operation]


def _computed(step: NumberStep) -> Worked:
    left, right = int(step.left), int(step.right)
    if step.operation == "*":
        return _multiplied(left, right)
    if step.operation == "/":
        return Worked(computed(step), int(step.result), len(str(left)))
    return _combined((Term((left,)), Term((right,), taken=step.operation == "-")))
