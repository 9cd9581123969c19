from __future__ import annotations

import pytest

from tests.without_developers import run_without_developers

pytest.importorskip("peft")


def test_training_needs_nothing_that_only_developers_have() -> None:
    done = run_without_developers(
        "import training.evaluation.command, training.ship_command, training.training_command"
    )
    assert done.returncode == 0, done.stderr
