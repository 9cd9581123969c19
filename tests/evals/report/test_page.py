from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evals.report.page import page
from evals.report.visible import script_data
from tests.evals.report.made_up import (
    HOSTILE,
    contents,
    drawn,
    evaluation,
    grade,
    problem,
    sample,
    small,
)
from tests.evals.report.parsed_page import ParsedPage


@pytest.fixture(scope="module")
def several() -> str:
    tasks = {"sums": 7, "words": 3}
    return page(
        contents(
            *(drawn(f"runs/{name}", 0.4, tasks=tasks, k=2, dear=2, system=name) for name in "xyz")
        )
    )


def test_elements_are_nested_and_nothing_is_fetched(several: str) -> None:
    parsed = ParsedPage.of(several)
    assert {reference[0] for reference in parsed.references} == {"#"}
    names = {name for name, _ in parsed.elements}
    assert names.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "form"})
    for forbidden in ("http:", "https:", "@import", "url(", "//cdn"):
        assert forbidden not in several
    ids = [known["id"] for _, known in parsed.elements if "id" in known]
    assert len(ids) == len(set(ids))
    targets = {reference[1:] for reference in parsed.references}
    assert targets <= set(ids)


def test_every_text_is_in_it_once_and_comes_back() -> None:
    ran = drawn("runs/a", 0.5, tasks={"sums": 6}, k=3, system="a")
    made = page(contents(ran))
    parsed = ParsedPage.of(made)
    for key, row in ran.samples.items():
        if row.text:
            assert made.count(script_data(row.text)) == 1, key
    index = parsed.data["index"]
    found = {
        (one["task"], one["id"], row["number"]): text.get("text", "")
        for number, one in enumerate(index["problems"])
        for row, text in zip(one["samples"], parsed.data[f"texts-{number}"], strict=True)
    }
    assert found == {tuple(key): row.text for key, row in ran.samples.items()}


def test_what_a_sample_came_to_is_in_the_index() -> None:
    parsed = ParsedPage.of(page(contents(small())))
    first, second = parsed.data["index"]["problems"]
    assert (first["id"], second["id"]) == ("p-1", "p-2")
    missed, empty = first["samples"]
    assert missed["verdict"] == "wrong"
    assert missed["warning"] == "missed"
    assert missed["extracted"] == "41"
    assert (missed["tokens"], missed["path"], missed["seconds"]) == (100, 80, 1.5)
    assert "extracted" not in empty
    assert first["answers"] == ["2"]
    assert "known answer stands in the text" in parsed.data["index"]["warnings"]["missed"]


def hostile_page() -> str:
    # Copies are not validated, which would refuse half of a surrogate pair.
    texts = dict.fromkeys(("problem", "text", "value", "remark", "reason"), HOSTILE)
    thread = {"path": HOSTILE, "status": HOSTILE, "answer": HOSTILE, "score": float("nan")}
    row = sample("sums", "p-1", 0).model_copy(update=texts | {"threads": [thread]})
    verdict = grade(row, False).model_copy(update={"extracted": HOSTILE, "grader": HOSTILE})
    asked = problem(1).model_copy(
        update={"id": HOSTILE, "problem": HOSTILE, "answer": HOSTILE, "also": (HOSTILE,)}
    )
    configuration = dict.fromkeys(("system", "model", HOSTILE), HOSTILE)
    problems = {"sums": [asked], HOSTILE: []}
    ran = evaluation(f"runs/{HOSTILE[:20]}", [row], [verdict], problems, **configuration)
    return page(contents(ran, replace(ran)))


def test_hostile_texts_are_texts() -> None:
    made = hostile_page()
    parsed = ParsedPage.of(made)
    assert not any(name == "img" for name, _ in parsed.elements)
    assert len([name for name, _ in parsed.elements if name == "script"]) == 3
    assert parsed.data["texts-0"][0]["text"] == HOSTILE
    assert parsed.data["index"]["problems"][0]["samples"][0]["extracted"] == HOSTILE
    assert "{{ 7 * 7 }}" in parsed.text
    # Nothing steers a terminal that shows the file, nor turns what stands around it.
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", made)


@example(HOSTILE)
@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_data_in_a_script_comes_back_and_ends_no_script(text: str) -> None:
    made = script_data([text])
    assert ParsedPage.of(f'<script type="application/json" id="x">{made}</script>').data == {
        "x": [text]
    }
    assert made.encode()
    assert not set("<>&") & set(made)


def test_plots_are_drawings_and_say_what_they_show(several: str) -> None:
    drawings = [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", several, re.S)]
    plots = [one for one in drawings if one.get("role") == "img"]
    # Of two tasks.
    assert len(plots) == 2 * 4
    titles = [one.get("aria-label") for one in plots[:4]]
    assert titles == [
        "Accuracy against total tokens",
        "Accuracy against the critical path",
        "Accuracy against latency",
        "What more samples bring",
    ]
    told = "".join(plots[0].itertext())
    assert "tokens generated for an answer, in all calls" in told
    assert {"A", "B", "C"} <= {text.text for text in plots[0].iter("text")}


def test_the_matrix_has_a_cell_for_each_problem_and_system(several: str) -> None:
    parsed = ParsedPage.of(several)
    cells = [known for name, known in parsed.elements if name == "a"]
    assert len(cells) == 3 * 10
    assert all(re.fullmatch(r"#p\d", cell["href"]) for cell in cells)
    assert all(re.search(r"\d of \d right", cell["title"]) for cell in cells)


def test_the_page_is_the_same_whenever_it_is_made() -> None:
    assert page(contents(small())) == page(contents(small()))


def test_an_evaluation_that_failed_altogether_says_so() -> None:
    lost = [sample("sums", "p-1", n, status="failed", text="", reason="gone") for n in (0, 1)]
    told = contents(evaluation("runs/a", lost, [], k=2), evaluation("runs/b", lost[:1], [], k=2))
    made = page(told)
    assert "There are no graded samples yet." in ParsedPage.of(made).text
    assert "not counted: 2 of 2 (A) and 1 of 1 (B)" in made
    assert [
        one["verdict"] for one in ParsedPage.of(made).data["index"]["problems"][0]["samples"]
    ] == ["failed"] * 3
