from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engines import UsageError
from training.evaluation.part import PLAIN, TRAINED, Options, Table
from training.evaluation.record import FILE, Record

TABLE = Table(title="Sums", headers=("system", "n"), rows=[["chain", "3"]], data={"n": 3})


def test_what_is_kept_is_there_for_the_next_process(options: Options) -> None:
    record = Record(options.out)
    assert not record.has("sums", TRAINED)
    record.put("sums", TRAINED, "the engine", [TABLE])
    again = Record(options.out)
    assert again.has("sums", TRAINED)
    assert not again.has("sums", PLAIN)
    assert [table.text for table in again.tables(["sums", "others"])] == [TABLE.text]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"problems": 5}, "with --problems as published, and this is 5: "),
        ({"samples": 2}, "with --samples as published, and this is 2: "),
        ({"seed": 1}, "with --seed 0, and this is 1: "),
    ],
)
def test_what_is_asked_otherwise_is_refused(
    options: Options, other: Mapping[str, Any], told: str
) -> None:
    Record(options.out).check_asked(replace(options, **other))
    Record(options.out).begin(options, "weights")
    record = Record(options.out)
    with pytest.raises(UsageError, match=f"{told}choose another --out"):
        record.check_asked(replace(options, **other))
    # Which weights they are is told by what they are; elsewhere they lie elsewhere.
    record.check_asked(replace(options, weights="/another/folder"))


def test_the_tables_of_a_part_are_those_of_the_last_model(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", PLAIN, "one", [replace(TABLE, title="Before")])
    assert [table.title for table in record.tables(["sums"])] == ["Before"]
    record.put("sums", TRAINED, "two", [TABLE])
    assert [table.title for table in record.tables(["sums"])] == ["Sums"]


def test_tables_that_were_made_without_the_plain_model_go_when_it_comes(options: Options) -> None:
    record = Record(options.out)
    record.put("sums", TRAINED, "two", [TABLE])
    record.put("words", TRAINED, "two", [TABLE])
    record.put("sums", PLAIN, "one", [])
    assert not record.has("sums", TRAINED)
    assert record.has("words", TRAINED)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"asked": {}, "weights": {}, "parts": 1}', '{"parts": {}}']
)
def test_a_file_that_is_no_record_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UsageError, match=r"no record of an evaluation: move it away"):
        Record(tmp_path)


def test_figures_of_other_weights_are_not_put_beside_those_that_are_there(options: Options) -> None:
    record = Record(options.out)
    record.begin(options, "one")
    # From then on, before there is a figure: samples may be there.
    again = Record(options.out)
    again.begin(options, "one")
    again.check(PLAIN, "another")
    assert again.weights == {TRAINED: "one"}
    for refuse in (partial(again.check, TRAINED), partial(again.begin, options)):
        with pytest.raises(UsageError, match=r"with the trained model one, and this is another: "):
            refuse("another")


def test_all_engines_that_figures_are_of_are_told(options: Options) -> None:
    record = Record(options.out)
    for part, engine in (("sums", "one"), ("words", "two"), ("more", "one")):
        record.put(part, TRAINED, engine, [TABLE])
    assert record.engines(["sums", "words", "more"]) == {TRAINED: "one, two"}
