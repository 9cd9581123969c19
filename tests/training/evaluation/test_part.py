from __future__ import annotations

from evals import Estimate
from training.evaluation.part import Table, mean, rate


def test_figures_have_their_interval_where_there_is_one() -> None:
    known = Estimate(value=0.9912, low=0.9786, high=0.9956, how="")
    assert rate(known) == "99.1 (97.9-99.6)"
    assert mean(Estimate(value=1234.4, low=None, high=None, how="one problem")) == "1,234"
    assert (rate(None), mean(None)) == ("-", "-")


def test_a_table_is_its_title_its_rows_and_its_notes() -> None:
    table = Table(
        title="Sums",
        headers=("system", "n"),
        rows=[["chain", "500"], ["vote", "7"]],
        notes=["Held out."],
    )
    assert table.text.splitlines() == [
        "Sums",
        "",
        "system    n",
        "chain   500",
        "vote      7",
        "",
        "Held out.",
    ]
