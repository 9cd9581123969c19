"""vLLM's errors as ours. By name, since not every version has every class; so it needs no vLLM either."""

from __future__ import annotations

from .errors import EngineError, EngineOverloaded, EngineUnavailable, RequestRejected


def as_ours(error: Exception) -> EngineError | None:
    """What an error of vLLM means that leaves the engine alive; None where it is something else."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"QueueOverflowError", "MaxQueuedTokensError"}:
        return EngineOverloaded(f"vLLM takes no more requests now: {error}")
    if "EngineGenerateError" in kinds:
        cause = error.__cause__ or error
        return EngineUnavailable(f"vLLM failed the request: {cause!r}; another try may succeed")
    # 0.25 raises ValueError for what 0.32 calls VLLMClientError; both blame the request.
    if kinds & {"ValueError", "OverflowError", "VLLMClientError"}:
        return RequestRejected(f"vLLM refuses the request: {error}")
    return None
