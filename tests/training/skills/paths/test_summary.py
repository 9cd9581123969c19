from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from training.skills.paths.summary import summary_of
from training.skills.products.expression import Expression, Term

from .reading import boxed, false_equations

PRODUCT = Expression((Term((234, 67)),))
RIGHT = 15678

terms = st.builds(lambda a, b: Term((a, b)), st.integers(2, 9999), st.integers(2, 999))
expressions = st.lists(terms, min_size=1, max_size=2).map(lambda terms: Expression(tuple(terms)))


def test_the_most_frequent_result_is_taken_without_a_check() -> None:
    assert summary_of(PRODUCT, [RIGHT, 15688, None, RIGHT]).splitlines() == [
        "1: 15678 (1)",
        "2: 15688 (1)",
        "3: -",
        "4: 15678 (2)",
        "Most often: 15678",
        "",
        "\\boxed{15678}",
    ]


def test_of_several_that_are_as_frequent_the_one_that_is_right_modulo_9_is_taken() -> None:
    text = summary_of(PRODUCT, [15688, RIGHT, 15679])
    assert "Most often: 15688 15678 15679" in text
    # What comes after the one that passes needs no check.
    assert [line[-3:] for line in text.splitlines() if line[0:3] == "156"] == [" no", "yes"]
    assert boxed(text) == RIGHT


def test_where_no_result_is_right_it_computes_the_usual_way() -> None:
    for results in ([15688, 15679], [None, None]):
        text = summary_of(PRODUCT, results)
        assert "234*7\n" in text
        assert boxed(text) == RIGHT
        assert not false_equations(text.partition("234*7\n")[2])


@given(expressions, st.data())
def test_it_counts_as_python_does_and_its_residues_are_those_of_python(
    expression: Expression, data: st.DataObject
) -> None:
    right = expression.value
    near = st.sampled_from([right, right + 1, right + 20, None])
    results = data.draw(st.lists(near, min_size=1, max_size=8))
    text = summary_of(expression, results)
    counts = Counter(result for result in results if result is not None)
    if 2 * counts[right] > counts.total() or len(set(counts)) != 1:
        most = max(counts.values(), default=0)
        if counts[right] == most or list(counts.values()).count(most) > 1:
            assert boxed(text) == right
    said = dict(re.findall(r"^(\d): (.+)$", text, re.MULTILINE)[: len(results)])
    assert [said[str(i)].split()[0] for i in range(1, len(results) + 1)] == [
        "-" if result is None else str(result) for result in results
    ]
    check = re.search(r"Modulo 9:\n((?:[\d*+=: ]+(?: yes| no)?\n)+)", text)
    if check:
        for number, steps in re.findall(r"^(\d+): (.+)$", check[1], re.MULTILINE):
            assert int(steps.split("=")[-1].split()[0]) == int(number) % 9
            for left, rest in re.findall(r"(\d\+\d)=(\d)", steps):
                assert eval(left) % 9 == int(rest)
