from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engines import UsageError
from training.evaluation.part import PLAIN, TRAINED, Options, Table
from training.evaluation.record import FILE, Record

TABLE = Table(title="Sums", headers=("system", "n"), rows=[["chain", "3"]], data={"n": 3})


def test_what_is_kept_is_there_for_the_next_process(options: Options) -> None:
    record = Record(options.out)
    assert not record.has("sums", options)
    record.put("sums", options, "the engine", [TABLE])
    again = Record(options.out)
    assert again.has("sums", options)
    assert [table.text for table in again.tables(["sums", "others"], [TRAINED])] == [TABLE.text]


def test_a_part_that_was_asked_otherwise_is_not_there(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", options, "the engine", [TABLE])
    for other in ({"problems": 5}, {"samples": 2}, {"seed": 1}, {"model": PLAIN}):
        assert not record.has("sums", replace(options, **other))
    # Which weights they are is told by what they are; elsewhere they lie elsewhere.
    assert record.has("sums", replace(options, weights="/another/folder"))


def test_the_tables_of_a_part_are_those_of_the_last_model(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", replace(options, model=PLAIN), "one", [replace(TABLE, title="Before")])
    assert [table.title for table in record.tables(["sums"], [PLAIN, TRAINED])] == ["Before"]
    record.put("sums", options, "two", [TABLE])
    assert [table.title for table in record.tables(["sums"], [PLAIN, TRAINED])] == ["Sums"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"weights": {}, "parts": 1}', '{"parts": {}}']
)
def test_a_file_that_is_no_record_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UsageError, match=r"no record of an evaluation: move it away"):
        Record(tmp_path)


def test_figures_of_other_weights_are_not_put_beside_those_that_are_there(options: Options) -> None:
    record = Record(options.out)
    record.begin(TRAINED, "one")
    # From then on, before there is a figure: samples may be there.
    again = Record(options.out)
    again.begin(TRAINED, "one")
    again.check(PLAIN, "another")
    assert again.weights == {TRAINED: "one"}
    for refused in (again.check, again.begin):
        with pytest.raises(UsageError, match=r"with the trained model one, and this is another: "):
            refused(TRAINED, "another")


def test_all_engines_that_figures_are_of_are_told(options: Options) -> None:
    record = Record(options.out)
    for part, engine in (("sums", "one"), ("words", "two"), ("more", "one")):
        record.put(part, options, engine, [TABLE])
    assert record.engines(["sums", "words", "more"], [PLAIN, TRAINED]) == {TRAINED: "one, two"}
