"""A sweep: several systems on the same problems, described in a YAML file. It knows no engine.

out: runs/votes
tasks: [aime25, gsm8k]
k: 4
systems:
  - {name: one, method: chain-of-thought}
  - {name: vote, method: self-consistency, set: {method.samples: 8}}
  - {name: plan, planner: llm-compiler, tools: [calculate], k: 1}
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engines import UsageError

_ADVICE = "see forkjoin eval --help"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SweptSystem(_Part):
    """A system of a sweep; what it leaves out is as the command line has it.

    Attributes:
        name: For people, and of its folder.
        method: How it thinks.
        planner: Plans before; None plans nothing.
        tools: What plans may call.
        set: Options of planner and method, such as `method.samples`.
        max_tokens: For each call.
        k: Samples of each problem, instead of the sweep's.
    """

    name: str = Field(pattern=r"^\w[\w.+= -]*$")
    method: str | None = None
    planner: str | None = None
    tools: list[str] = []
    set: dict[str, Any] = {}
    max_tokens: int | None = None
    k: int | None = Field(default=None, ge=1)


class Sweep(_Part):
    """Several systems on the same problems; the keys are the options of `forkjoin eval`.

    Attributes:
        systems: What is compared.
        tasks: What it is compared on.
        data: Files with the problems of tasks, by the tasks' names.
        out: The folder of the systems' folders.
    """

    systems: list[SweptSystem] = Field(min_length=1)
    tasks: list[str] = Field(min_length=1)
    data: dict[str, str] = {}
    problems: str | None = None
    limit: int | None = None
    k: int | None = None
    engine: str | None = None
    model: str | None = None
    judge: str | None = None
    seed: int | None = None
    max_tokens: int | None = None
    budget: str | None = None
    width: str | None = None
    out: str | None = None

    @field_validator("systems")
    @classmethod
    def _different(cls, systems: list[SweptSystem]) -> list[SweptSystem]:
        names = Counter(system.name for system in systems)
        for name, count in names.items():
            if count > 1:
                raise ValueError(f"{count} systems are called {name!r}: give each another name")
        return systems

    @field_validator("width", mode="before")
    @classmethod
    def _as_text(cls, width: Any) -> Any:
        return str(width) if isinstance(width, int) else width

    def options(self, system: SweptSystem) -> dict[str, Any]:
        """What the sweep says of a system, as options of the command line."""
        shared = self.model_dump(exclude={"systems", "out", "data"}, exclude_none=True)
        own = system.model_dump(exclude={"name", "set"}, exclude_none=True)
        written = [f"{name}={_text(value)}" for name, value in system.set.items()]
        return {**shared, **own, "data": [f"{t}={f}" for t, f in self.data.items()], "set": written}


def read_sweep(path: Path) -> Sweep:
    """The sweep in a file.

    Raises:
        UsageError: It cannot be read, or is none.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    try:
        return Sweep.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_told(error)}") from None


def _told(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors()[0]
    place = ""
    for part in first["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    if first["type"] == "extra_forbidden":
        return f"{place}: there is no such key: {_ADVICE}"
    if first["type"] == "missing":
        return f"{place}: is missing: {_ADVICE}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else f"it holds no sweep: {message}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
