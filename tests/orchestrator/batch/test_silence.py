from __future__ import annotations

import pytest

from engines import EngineUnavailable
from orchestrator.batch.silence import Silence

NOBODY = EngineUnavailable("nobody there")


def test_only_rows_that_were_begun_in_it_count() -> None:
    silence = Silence()
    for _ in range(1000):
        silence.lengthen(False, NOBODY)
    assert silence.lasts
    for _ in range(19):
        silence.lengthen(True, NOBODY)
    with pytest.raises(
        EngineUnavailable, match=r"^20 rows in a row got no answer.*: nobody there$"
    ):
        silence.lengthen(True, NOBODY)
