"""ParaThinker beside one thread, on a fake engine in which width costs nothing."""

from __future__ import annotations

import pytest

from benchmarks.gpu.errors import Mismeasured
from benchmarks.gpu.figure import Figure
from benchmarks.gpu.parts.parathinker import measure
from engines import FakeEngine
from tests.backends import run_virtually
from tests.benchmarks.gpu.settings import setting_of

# As many as in small: of a thread, and with the summary.
THREAD, PATH = 32, 40


def measured(engine: FakeEngine) -> list[Figure]:
    setting = setting_of(engine)
    return run_virtually(lambda: measure(setting))


def test_a_path_is_as_long_as_one_thread_that_has_its_tokens() -> None:
    given, longest = measured(FakeEngine("x" * 1000, seconds_per_token=1))
    for figure in (given, longest):
        assert (figure.value, figure.reached) == (1, True)
        assert figure.data["seconds"] == figure.data["seconds_alone"] == [PATH]
        assert figure.data["seconds_of_threads"] == [THREAD]
        assert figure.data["seconds_of_summary"] == [PATH - THREAD]
        assert f"threads {1:.3f}x" in figure.detail
    cached = [figure.data["summary_cached_tokens"][0] for figure in (given, longest)]
    assert cached[1] >= cached[0] + THREAD - 16


def test_what_a_second_call_costs_counts() -> None:
    for figure in measured(FakeEngine("x" * 1000, latency=10, seconds_per_token=1)):
        assert figure.value == (PATH + 2 * 10) / (PATH + 10)
        assert figure.reached is False


@pytest.mark.parametrize("most", [THREAD - 1, THREAD])
def test_what_is_too_short_is_found_out(most: int) -> None:
    with pytest.raises(Mismeasured, match="tokens"):
        measured(FakeEngine("x" * most, seconds_per_token=1))
