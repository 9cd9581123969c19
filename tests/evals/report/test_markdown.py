from __future__ import annotations

from evals.evaluation.figures import figures
from evals.evaluation.result_table import warned
from evals.report.markdown import markdown
from evals.report.measuring import measure, report_data
from tests.evals.report.made_up import HOSTILE, contents, drawn, small


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_the_table_says_the_figures() -> None:
    ran = [drawn(f"runs/{name}", 0.5, tasks={"sums": 9}, k=4, system=name) for name in "xy"]
    head, _, *rows = [line for line in markdown(contents(*ran)).splitlines() if line[0:1] == "|"]
    for letter, one, row in zip("AB", ran, rows, strict=True):
        part = figures(one)["tasks"]["sums"]
        last = part["at"][-1]
        found = dict(zip(cells(head), cells(row), strict=True))
        assert found["system"] == f"{letter} {one.system}"
        shares = {
            "avg@4": part["average"],
            "maj@4": last["majority"],
            "pass@4": last["pass"],
            "oracle": part["oracle"],
        }
        for name, of in shares.items():
            value, low, high = (f"{100 * of[part]:.1f}" for part in ("value", "low", "high"))
            assert found[name].replace("*", "") == f"{value} % ({low} to {high})"
        assert found["tokens (a sample)"] == f"{part['tokens']['value']:,.0f}"
        assert found["critical path (a sample)"] == f"{part['critical_path']['value']:,.0f}"
        assert found["tokens in all"] == f"{part['total']['generated_tokens']:,}"
        # The same words as on the command line.
        assert found["samples"] == f"{part['samples']} ({', '.join(warned(part))})"


def test_every_row_has_as_many_cells_whatever_a_system_is_called() -> None:
    made = markdown(contents(small(system=HOSTILE.replace("\ud800", "")), small("b", system="a|b")))
    rows = [line for line in made.splitlines() if line.startswith("|")]
    assert len({len(line.replace("\\|", "").split("|")) for line in rows}) == 1
    assert "\\<script\\>" in made
    assert "\x1b" not in made


def test_json_has_the_figures_as_they_are() -> None:
    ran = [small("runs/a"), small("runs/b")]
    data = report_data(measure(ran))
    assert [one["figures"] for one in data["systems"]] == [figures(one) for one in ran]
    assert data["systems"][0]["differences"] == {}
    assert data["systems"][1]["differences"]["sums"]["share"]["value"] == 0
