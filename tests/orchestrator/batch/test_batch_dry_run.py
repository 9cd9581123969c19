from __future__ import annotations

from pathlib import Path

from tests.orchestrator import here as commands_here
from tests.orchestrator.batch.lines import chat, plain
from tests.orchestrator.here import Here

here = commands_here.run_here


def dry(folder: Path, here: Here, *options: str) -> str:
    path = "in.jsonl"
    done = here("batch", path, "-o", "out.jsonl", "--engine", "none:none", "--dry-run", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert [found.name for found in folder.iterdir()] == [path]
    return done.stdout


def test_it_says_what_rows_there_are_and_what_the_first_asks(tmp_path: Path, here: Here) -> None:
    lines = ["{", chat("a", "Why is it so?"), plain("a"), plain("b", n=2), *["[]"] * 7]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n\n")
    said = dry(tmp_path, here, "--budget", "calls=3").splitlines()
    words = [line.split() for line in said]
    for name, value in (("rows", "11"), ("malformed", "10"), ("budget", "calls=3"), ("seed", "-")):
        assert [name, value] in words
    assert "malformed, the first 5" in said
    assert 'line 3: its id "a" is that of line 2 too' in said
    assert sum(line.startswith("line ") for line in said) == 5
    assert said[said.index("first prompt") :][:3] == ["first prompt", "<user>", "Why is it so?"]


def test_a_method_shows_its_own_prompt(tmp_path: Path, here: Here) -> None:
    (tmp_path / "in.jsonl").write_text(plain("a", "Why?") + "\n")
    said = dry(tmp_path, here, "--method", "chain-of-thought")
    assert "<user>\nWhy?\n\nThink step by step." in said


def test_without_rows_there_is_no_prompt(tmp_path: Path, here: Here) -> None:
    (tmp_path / "in.jsonl").write_text("\n")
    assert "no prompt: there is no row" in dry(tmp_path, here)
