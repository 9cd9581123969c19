from __future__ import annotations

from orchestrator.batch.row_tally import RowTally


def test_it_tells_how_far_it_is_and_how_long_it_will_take() -> None:
    tally = RowTally(1_000, done=100, failed=1)
    assert tally.line(0) == "100 of 1,000 rows · 1 failed"
    for number in range(200):
        tally.add(failed=number == 0)
    assert tally.line(10) == "300 of 1,000 rows · 2 failed · 20/s · about 35.0 s left"
    for _ in range(700):
        tally.add()
    assert tally.line(20) == "1,000 of 1,000 rows · 2 failed · 45/s"
