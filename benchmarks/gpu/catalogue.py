"""All parts of the headline table, those side by side that want the same engine: a start takes a minute."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .part import Part
from .parts import (
    adaptive_width,
    engine_layer,
    fork_join,
    forks,
    hogwild,
    http,
    llm_compiler,
    options,
    parallel,
    parathinker,
    replicas,
    scale,
    searches,
)

PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "engine-layer": engine_layer.measure,
        "http": http.measure,
        "adaptive-width": adaptive_width.measure,
        "forks": forks.measure,
        "parathinker": parathinker.measure,
        "fork-join": fork_join.measure,
        "llm-compiler": llm_compiler.measure,
        "scale": scale.measure,
        "searches": searches.measure,
        "hogwild": hogwild.measure,
        "replicas": replicas.measure,
        "options": options.measure,
        "parallel": parallel.measure,
    }
)
