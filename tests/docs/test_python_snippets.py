from __future__ import annotations

import runpy
from pathlib import Path

import openai
import pytest

from tests.docs import stand_ins
from tests.docs.snippets import Program, programs

PROGRAMS = list(programs())


def point_clients_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = openai.OpenAI
    monkeypatch.setattr(
        openai, "OpenAI", lambda **given: client(**{**given, "base_url": f"{address}/v1"})
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.place)
def test_a_program_runs_and_prints_what_its_page_says(
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    stand_ins.install(monkeypatch)
    if "from openai import" in program.code:
        point_clients_to(request.getfixturevalue("gateway"), monkeypatch)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "program.py"
    file.write_text(program.code, encoding="utf-8")
    runpy.run_path(str(file), run_name="__main__")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.strip()
    assert "None\n" not in printed.out
    assert not program.place.startswith("README.md") or printed.out.startswith("84 ")
    if program.output:
        assert printed.out == program.output


def test_there_are_programs_in_the_readme_and_on_the_site() -> None:
    places = {Path(program.place.partition(":")[0]).parts[0] for program in PROGRAMS}
    assert places >= {"README.md", "docs"}
    assert sum(bool(program.output) for program in PROGRAMS) > 5
