from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from evals.evaluation.jobs import in_turn, jobs
from evals.evaluation.rows import Key
from tests.evals.evaluation.making_samples import problems, task

TASKS = {"long": task("long"), "short": task("short")}


def test_the_samples_of_a_problem_stay_together_and_tasks_take_turns() -> None:
    asked = {"long": problems(4), "short": problems(2)}
    nodes = [job.node for job in jobs(TASKS, asked, 2)]
    assert nodes[:4] == ["long/p0/0", "long/p0/1", "short/p0/0", "short/p0/1"]
    order = [node.rpartition("/")[0] for node in nodes[::2]]
    assert order == ["long/p0", "short/p0", "long/p1", "long/p2", "short/p1", "long/p3"]


def test_jobs_come_one_by_one_and_share_a_question() -> None:
    coming = jobs(TASKS, {"long": problems(1)}, 10**9)
    first, second = next(coming), next(coming)
    assert first.question is second.question
    assert (first.key, second.key) == (Key("long", "p0", 0), Key("long", "p0", 1))


def test_what_is_done_is_left_out() -> None:
    done = {Key("long", "p0", 0), Key("long", "p1", 1)}
    left = [job.key for job in jobs(TASKS, {"long": problems(2)}, 2, done)]
    assert left == [Key("long", "p0", 1), Key("long", "p1", 0)]


def test_a_slash_in_an_id_parts_nothing() -> None:
    asked = [
        p.model_copy(update={"id": id}) for p, id in zip(problems(2), ("a/1", "a%2F1"), strict=True)
    ]
    names = [job.node for job in jobs(TASKS, {"long": asked}, 1)]
    assert names == ["long/a%2F1/0", "long/a%252F1/0"]


@given(st.dictionaries(st.text(max_size=3), st.lists(st.integers(), max_size=9), max_size=4))
def test_in_turn_keeps_every_item_and_each_lists_order(several: dict[str, list[int]]) -> None:
    mixed = in_turn(several)
    for name, items in several.items():
        assert [item for of, item in mixed if of == name] == items
    assert len(mixed) == sum(map(len, several.values()))


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4))
def test_at_every_time_all_lists_have_come_as_far(lengths: list[int]) -> None:
    several = {str(number): range(length) for number, length in enumerate(lengths)}
    taken: Counter[str] = Counter()
    for name, _ in in_turn(several):
        taken[name] += 1
        ahead = [taken[name] / len(items) for name, items in several.items()]
        assert max(ahead) - min(ahead) <= 1 / min(lengths) + 1e-9
