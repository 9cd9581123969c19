from __future__ import annotations

from benchmarks.kv import HEADERS, compare, every_method, scripted
from engines import FakeEngine, Sampling
from tests.backends import run_virtually

PROBLEMS = ["How many apples are in 7 rows of 12?", "How many in 3 rows of 5?"]


def test_the_table_shows_what_sharing_saves() -> None:
    methods = every_method(Sampling(max_tokens=1500, temperature=0.8, seed=1), width=8)
    wanted = ("chain-of-thought", "threadweaver", "search: independent", "search: beam")
    rows = run_virtually(
        lambda: compare(
            FakeEngine(scripted, seconds_per_token=0.02),
            {name: methods[name] for name in wanted},
            PROBLEMS,
        )
    )
    table = {row[0]: dict(zip(HEADERS[1:], map(_number, row[1:]), strict=True)) for row in rows}
    assert tuple(table) == wanted
    alone = table["chain-of-thought"]
    assert (alone["calls"], alone["sharing"]) == (1, 1)
    assert all(row["mean"] <= row["peak"] for row in table.values())
    # The question has two full blocks, which no sequence has for its own.
    assert all(row["mean of its own"] < row["mean"] for row in table.values())
    assert table["threadweaver"]["calls"] > 3
    # Beams share their beginnings, thoughts that know nothing of each other do not.
    assert table["search: beam"]["sharing"] > table["search: independent"]["sharing"] > 1
    assert table["search: beam"]["mean"] < table["search: independent"]["mean"]


def _number(text: str) -> float:
    return float(text.replace(",", ""))
