"""What a server serves, found out by asking it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from ..engine import Capabilities
from ..errors import EngineError, NotAnEngine, RequestRejected, UsageError
from .answer_shape import expected_shape
from .api_client import ApiClient
from .server_tokenizer import ServerTokenizer
from .wire_formats import read_metrics

_EVERY_CONSTRAINT = frozenset({"choice", "regex", "json", "grammar"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProfile:
    """One model of a server.

    Attributes:
        model: The name that the server knows it by.
        capabilities: Everything on a vLLM server; no token ids elsewhere.
        has_metrics: Whether the server counts what it does.
    """

    model: str
    capabilities: Capabilities
    has_metrics: bool = False


async def find_out(api: ApiClient, model: str | None) -> ServerProfile:
    """Asks what a server serves and whether it is vLLM.

    Args:
        api: The server.
        model: The model to use; None is the only one there.

    Raises:
        NotAnEngine: It is no OpenAI-compatible server.
        UsageError: It does not serve this model.
    """
    answer = await api.get("/v1/models")
    card = _chosen(answer.get("data"), model, api.url)
    name = str(card["id"])
    is_vllm = card.get("owned_by") == "vllm"
    if is_vllm:
        # A proxy may let through `/v1` only.
        with contextlib.suppress(RequestRejected, NotAnEngine):
            return await _vllm_profile(api, name)
    # A server may ignore `response_format` without a word; vLLM keeps it, also behind a proxy.
    constraints = frozenset({"json"} if is_vllm else ())
    length = card.get("max_model_len")
    with expected_shape(f"{api.url}/v1/models"):
        window = None if length is None else int(length)
    return ServerProfile(
        model=name,
        capabilities=Capabilities(token_ids=False, constraints=constraints, window=window),
    )


async def _vllm_profile(api: ApiClient, model: str) -> ServerProfile:
    window = await ServerTokenizer(api, model).window()
    try:
        metrics = read_metrics(await api.get_text("/metrics"))
    except EngineError:
        metrics = {}
    sizes = [sample.label("block_size") for sample in metrics.get("vllm:cache_config_info", ())]
    return ServerProfile(
        model=model,
        capabilities=Capabilities(
            token_ids=True,
            constraints=_EVERY_CONSTRAINT,
            window=window,
            block_size=int(sizes[0]) if sizes and sizes[0] and sizes[0].isdigit() else None,
        ),
        has_metrics="vllm:num_requests_running" in metrics,
    )


def _chosen(cards: Any, wanted: str | None, url: str) -> dict[str, Any]:
    """The model card to use."""
    if not isinstance(cards, list) or not all(isinstance(c, dict) and "id" in c for c in cards):
        raise NotAnEngine(
            f"{url} sent no list of models, so it is no OpenAI-compatible API: check the address"
        )
    # Adapters have a parent; without a choice the model itself is meant.
    fitting = [c for c in cards if c["id"] == wanted or (wanted is None and not c.get("parent"))]
    if len(fitting) == 1:
        return dict(fitting[0])
    served = ", ".join(str(card["id"]) for card in cards) or "nothing"
    problem = "has no single model" if wanted is None else f"does not serve {wanted!r}"
    raise UsageError(f"{url} {problem}: choose one of its models ({served})")
