"""How the parts of the headline table are measured in tests: small, and on one engine, whatever options they want."""

from __future__ import annotations

from benchmarks.gpu.part import Engines, Setting
from engines import Engine


def setting_of(engine: Engine, model: str = "fake") -> Setting:
    engines = Engines(lambda model, **options: engine, None, {})
    return Setting(engines=engines, model=model, small=True, say=lambda text: None)
