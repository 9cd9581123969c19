from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reasoning import extract_answer
from training.skills.paths.threads import cut, factors_of, mistaken, solved
from training.skills.paths.ways import OTHERS, WAY_OF, Way, by_digits
from training.skills.products.expression import Expression, Term
from training.skills.products.work import answers

from .reading import boxed, false_columns, false_equations

terms = st.builds(lambda a, b: Term((a, b)), st.integers(10, 9999), st.integers(2, 999))
expressions = st.lists(terms, min_size=1, max_size=3).map(lambda terms: Expression(tuple(terms)))
any_way = st.sampled_from((*OTHERS, *WAY_OF.values()))
randoms = st.integers(0, 2**32).map(Random)


@given(expressions, any_way)
def test_a_thread_is_right_from_the_first_line_to_the_box(expression: Expression, way: Way) -> None:
    thread = solved(expression, [way] * len(expression.terms))
    assert not false_equations(thread.text)
    assert not false_columns(thread.text)
    assert boxed(thread.text) == thread.result == sum(a * b for a, b in factors_of(expression))


@given(expressions)
def test_the_usual_way_is_the_chain_that_all_skills_write(expression: Expression) -> None:
    usual = solved(expression, [by_digits] * len(expression.terms))
    assert usual.text == f"{answers([expression]).chain}\n\n\\boxed{{{expression.value}}}"


@given(expressions, any_way, randoms)
def test_a_mistake_is_carried_on_and_the_result_modulo_9_tells_it(
    expression: Expression, way: Way, random: Random
) -> None:
    thread = mistaken(expression, [way] * len(expression.terms), random)
    assert thread.result is not None
    assert boxed(thread.text) == thread.result
    assert (thread.result - expression.value) % 9
    # Only the line with the mistake and what follows from it is false, and what is written is still what is carried on.
    assert 1 <= len(false_equations(thread.text)) <= 3
    assert not false_columns(thread.text)
    # The columns of a sum are as many as its longest number has digits, right or wrong.
    right = solved(expression, [way] * len(expression.terms))
    assert abs(thread.text.count("\n") - right.text.count("\n")) <= 1


def test_mistakes_are_in_lines_of_columns_too_and_what_they_write_is_what_is_copied() -> None:
    expression = Expression((Term((4321, 67)),))
    texts = [mistaken(expression, [by_digits], Random(seed)).text for seed in range(40)]
    lines = [line for text in texts for line in text.splitlines() if " write " in line]
    false = [line for line in lines if false_equations(line)]
    # The others err where they copy a result.
    assert 20 < len(false) < 40


@given(expressions, any_way, randoms)
def test_a_thread_that_was_cut_has_no_answer(
    expression: Expression, way: Way, random: Random
) -> None:
    whole = solved(expression, [way] * len(expression.terms))
    part = cut(whole, random)
    assert part.result is None is extract_answer(part.text)
    assert part.text
    assert whole.text.startswith(part.text)


def test_some_mistakes_leave_a_digit_out_so_that_results_differ_in_length() -> None:
    expression = Expression((Term((4321, 67)),))
    right = str(expression.value)
    results = [str(mistaken(expression, [by_digits], Random(seed)).result) for seed in range(60)]
    shorter = [result for result in results if len(result) < len(right)]
    assert 2 < len(shorter) < 20
    assert all(result[0] == right[0] for result in shorter)
