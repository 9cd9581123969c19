"""The paths of a server, as a Starlette app.

POST /v1/chat/completions, /v1/completions, /v1/responses     PostEndpoint
GET  /v1/models, /v1/models/{id}                              what can be named
GET  /health, /metrics                                        for those who look after it; they need no key
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from engines import Engine, EngineStatistics, ForkjoinError

from ...openai_api.api_error import ApiError, error_of
from ...openai_api.model_request import Endpoint
from .access_log import REQUEST_ID, AccessLog, told_failure
from .post_endpoint import PostEndpoint, Service, owner_of

_POSTS: Mapping[str, Endpoint] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/responses": "responses",
}
_GETS = ("/v1/models", "/health", "/metrics")
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_LOOK_SECONDS = 5


def app_of(service: Service, engine: Engine) -> ASGIApp:
    """The app that serves.

    Args:
        service: What it works with.
        engine: Who is asked whether it lives.
    """
    pages = _Pages(service, engine)
    posts = [
        Route(path, PostEndpoint(endpoint, service), methods=["POST"])
        for path, endpoint in _POSTS.items()
    ]
    gets = [
        Route("/v1/models", pages.models),
        Route("/v1/models/{name:path}", pages.model),
        Route("/health", pages.health),
        Route("/metrics", pages.metrics),
    ]
    app = Starlette(
        routes=[*posts, *gets],
        exception_handlers={HTTPException: _refused, ApiError: _error, Exception: pages.bug},
    )
    # It would send clients to whatever their host header says.
    app.router.redirect_slashes = False
    return AccessLog(app, service.log)


class _Pages:
    def __init__(self, service: Service, engine: Engine) -> None:
        self._service = service
        self._engine = engine

    async def models(self, request: Request) -> Response:
        owner_of(self._service, dict(request.scope["headers"]))
        data = [_model(name) for name in self._service.answering.models()]
        return _json({"object": "list", "data": data})

    async def model(self, request: Request) -> Response:
        owner_of(self._service, dict(request.scope["headers"]))
        name = request.path_params["name"]
        if name not in self._service.answering.models():
            raise ApiError(
                404, "there is no such model: GET /v1/models lists them", code="model_not_found"
            )
        return _json(_model(name))

    async def health(self, request: Request) -> Response:
        if self._service.open.closed:
            return _json({"status": "ending"}, 503)
        if await self._look() is None:
            return _json({"status": "the engine does not answer"}, 503)
        return _json({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        text = self._service.metrics.text(await self._look(), self._service.answering.spent)
        return Response(text, headers={"content-type": _PROMETHEUS})

    async def bug(self, request: Request, error: Exception) -> Response:
        self._service.log(told_failure(error, request.scope["state"][REQUEST_ID]))
        return await _error(request, error_of(error))

    async def _look(self) -> EngineStatistics | None:
        """What the engine does; None where it does not answer."""
        with anyio.move_on_after(_LOOK_SECONDS), suppress(ForkjoinError):
            # Some count by themselves, and would go on when their server is gone.
            await self._engine.encode("Hello", role="user")
            return await self._engine.statistics()
        return None


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "forkjoin"}


def _json(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(data), status, headers, "application/json")


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _json(error.body(), error.status, error.headers)


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    if refused.status_code == 405:
        known = ", ".join(f"POST {path}" for path in _POSTS)
        message = f"this path takes no {request.method}"
    else:
        known = ", ".join(
            [*(f"POST {path}" for path in _POSTS), *(f"GET {path}" for path in _GETS)]
        )
        message = "there is nothing at this path"
    error = ApiError(refused.status_code, f"{message}: there are {known}", headers=refused.headers)
    return await _error(request, error)
