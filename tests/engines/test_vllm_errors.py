"""vLLM's errors as ours; classes of the same names stand for vLLM's."""

from __future__ import annotations

import pytest

from engines import EngineError, EngineOverloaded, EngineUnavailable, RequestRejected
from engines.vllm_errors import as_ours


class VLLMClientError(Exception):
    pass


class VLLMValidationError(VLLMClientError):
    pass


class GracefulHTTPError(Exception):
    pass


class QueueOverflowError(GracefulHTTPError):
    pass


class MaxQueuedTokensError(GracefulHTTPError):
    pass


class EngineGenerateError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "ours", "retryable"),
    [
        (QueueOverflowError("busy"), EngineOverloaded, True),
        (MaxQueuedTokensError("backlog"), EngineOverloaded, True),
        (EngineGenerateError(), EngineUnavailable, True),
        (VLLMValidationError("too long"), RequestRejected, False),
        (ValueError("too long"), RequestRejected, False),
    ],
)
def test_an_error_of_vllm_says_whether_a_later_try_may_succeed(
    error: Exception, ours: type[EngineError], retryable: bool
) -> None:
    found = as_ours(error)
    assert type(found) is ours
    assert found.retryable is retryable
    assert str(error) in str(found)


def test_what_made_a_request_fail_is_told() -> None:
    error = EngineGenerateError()
    error.__cause__ = ZeroDivisionError("in the sampler")
    assert "ZeroDivisionError('in the sampler')" in str(as_ours(error))


def test_a_bug_is_none_of_them() -> None:
    assert as_ours(AssertionError()) is None
    assert as_ours(GracefulHTTPError("the profiler is active already")) is None
