"""Usage as the JSON data of a picture. Pure."""

from __future__ import annotations

from typing import Any

from engines import Usage

UsageData = dict[str, Any]

NOTHING: UsageData = Usage().model_dump()


def usage_data(usage: Usage) -> UsageData:
    """A usage as data."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "generated_tokens": usage.generated_tokens,
        "lower_bound": usage.lower_bound,
    }


def added(one: UsageData, other: UsageData) -> UsageData:
    """The cost of both; what one of them does not know, the sum does not know."""
    cached, more = one["cached_tokens"], other["cached_tokens"]
    return {
        "prompt_tokens": one["prompt_tokens"] + other["prompt_tokens"],
        "cached_tokens": None if cached is None or more is None else cached + more,
        "generated_tokens": one["generated_tokens"] + other["generated_tokens"],
        "lower_bound": one["lower_bound"] or other["lower_bound"],
    }


def cached_share(usage: UsageData) -> float | None:
    """How much of the prompts came from the cache; None where nobody knows."""
    prompt, cached = usage["prompt_tokens"], usage["cached_tokens"]
    return round(cached / prompt, 4) if prompt and cached is not None else None
