"""Ids of calls: short and safe, and what comes back from a client reaches nothing but a run's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from orchestrator.gateway.answering.call_ids import call_id, node_in_id, read_call_id
from orchestrator.runs.run_folder import RunFolder

RUN = "20261127-065248-a1b2c3"


@drawn(st.from_regex(r"^\w[\w.-]*$", fullmatch=True).filter(lambda node: len(node) <= 64))
def test_an_id_is_safe_short_and_names_run_and_node(node: str) -> None:
    id = call_id(RUN, node)
    assert len(id) <= 64
    assert id.isascii()
    assert set(id) <= {*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"}
    assert read_call_id(id) == (RUN, node_in_id(node))


@drawn(st.lists(st.from_regex(r"^\w[\w.-]*$", fullmatch=True), unique=True, max_size=9))
def test_nodes_of_a_run_have_ids_of_their_own(nodes: list[str]) -> None:
    assert len({call_id(RUN, node) for node in nodes}) == len(nodes)


@drawn(st.text(max_size=70) | st.from_regex(rf"call_.*{RUN}.*"))
def test_what_is_read_names_a_folder_of_a_run_or_nothing(id: str) -> None:
    read = read_call_id(id)
    if read is not None:
        assert id == f"call_{read.run}_{read.node}"
        assert Path(read.run).name == read.run
        assert len(read.run) == len(RUN)
        assert set(read.run) <= {*"0123456789abcdef-"}


@pytest.mark.parametrize(
    "id",
    ["", "call_", f"call_{RUN}", f"call_{RUN}_", f"call_{RUN}_a/b", f"call_{RUN}_a\n", f"{RUN}_1",
     f"call_../{RUN}_1", f"call_{RUN[:-1]}/_1", f"call_{RUN.replace('2', '٢')}_1", f"call_{RUN}_{'a' * 37}",
     f"Call_{RUN}_1", f"call_{RUN.upper()}_1"],
)  # fmt: skip
def test_other_ids_are_none_of_ours(id: str) -> None:
    assert read_call_id(id) is None


def test_runs_are_called_as_ids_have_them(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, {}) as folder:
        assert read_call_id(call_id(folder.path.name, "1")) == (folder.path.name, "1")
