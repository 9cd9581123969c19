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
    for other in ({"problems": 5}, {"samples": 2}, {"seed": 1}, {"model": PLAIN}, {"weights": "w"}):
        assert not record.has("sums", replace(options, **other))


def test_the_tables_of_a_part_are_those_of_the_last_model(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", replace(options, model=PLAIN), "one", [replace(TABLE, title="Before")])
    assert [table.title for table in record.tables(["sums"], [PLAIN, TRAINED])] == ["Before"]
    record.put("sums", options, "two", [TABLE])
    assert [table.title for table in record.tables(["sums"], [PLAIN, TRAINED])] == ["Sums"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"parts": 1}'])
def test_a_file_that_is_no_record_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UsageError, match=r"no record of an evaluation: move it away"):
        Record(tmp_path)


def test_figures_of_other_weights_are_not_put_beside_those_that_are_there(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", options, "the engine", [TABLE])
    record.check(options, "the engine")
    record.check(replace(options, model=PLAIN), "another")
    with pytest.raises(UsageError, match=r"trained model the engine for sums, and this is another"):
        Record(options.out).check(options, "another")
    assert record.engines(["sums"], [PLAIN, TRAINED]) == {TRAINED: "the engine"}
