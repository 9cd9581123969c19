"""`python -m training`: which commands there are, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from engines import EngineError, UsageError
from training import __main__ as entry

ROOT = Path(__file__).parents[2]


def test_help_has_a_line_for_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[2:]] == ["train", "evaluate", "ship"]
    assert entry.main([]) == 2
    assert capsys.readouterr().err == told


def test_a_command_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["trian", "--out", "x"]) == 2
    assert "there is no command 'trian', but train, evaluate, ship; see" in capsys.readouterr().err


def run(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> int:
    """Ends as a command that raises this."""

    def command(arguments: Sequence[str]) -> None:
        assert arguments == ["--to", "x"]
        if error is not None:
            raise error

    known = entry._Command(lambda: command, "shipping", "")
    monkeypatch.setattr(entry, "_COMMANDS", {"ship": known})
    return entry.main(["ship", "--to", "x"])


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (None, 0, ""),
        (UsageError("no\n such\tthing"), 2, "shipping: no such thing\n"),
        (EngineError("gone"), 1, "shipping: gone\n"),
        (KeyboardInterrupt(), 130, "training: stopped\n"),
    ],
)
def test_what_goes_wrong_is_one_line_and_has_the_exit_codes_of_forkjoin(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException | None,
    code: int,
    told: str,
) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert run(monkeypatch, error) == code
    assert capsys.readouterr().err == told
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_it_imports_ends_it_without_a_traceback(tmp_path: Path) -> None:
    # Imported before all that takes time.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'training.ship_command':\n"
        "            print('begun', flush=True)\n"
        "            import time\n"
        "            time.sleep(60)\n"
        "sys.meta_path.insert(0, Watch())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "training", "ship"],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "training: stopped\n"
        assert process.wait() == 130
        assert time.monotonic() - start < 30
