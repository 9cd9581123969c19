"""What an answer took, as bodies tell it. Pure.

Tokens are summed over all branches, those included whose text nobody sees. What OpenAI has no field for is in
`forkjoin`.
"""

from __future__ import annotations

from typing import Any

from engines import Usage

from .pieces import Ended


def completion_usage(ended: Ended) -> dict[str, Any]:
    """The `usage` of `/v1/chat/completions` and `/v1/completions`."""
    usage = ended.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.generated_tokens,
        "total_tokens": usage.prompt_tokens + usage.generated_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": ended.reasoning_tokens},
        "forkjoin": _more(usage),
    }


def response_usage(ended: Ended) -> dict[str, Any]:
    """The `usage` of `/v1/responses`, which knows no count that is unknown."""
    usage = ended.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens or 0,
            "cache_write_tokens": 0,
        },
        "output_tokens": usage.generated_tokens,
        "output_tokens_details": {"reasoning_tokens": ended.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.generated_tokens,
        "forkjoin": _more(usage),
    }


def _more(usage: Usage) -> dict[str, Any]:
    return {"cached_tokens": usage.cached_tokens, "lower_bound": usage.lower_bound}
