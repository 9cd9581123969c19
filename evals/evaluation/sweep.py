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
from pydantic_core import ErrorDetails

from engines import UsageError

_ADVICE = "see forkjoin eval --help"
# What a value should have been, by what pydantic calls it where it is not.
_TYPES = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a text",
    "list_type": "a list: write [A, B]",
    "dict_type": "names with values: write {NAME: VALUE}",
    "model_type": "a system: write {name: NAME, ...}",
}


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
        data: Files with the problems of tasks, by the tasks' names; of one task its file.
        out: The folder of the systems' folders.
    """

    systems: list[SweptSystem] = Field(min_length=1)
    tasks: list[str] = Field(min_length=1)
    data: dict[str, str] | str = {}
    problems: str | None = None
    limit: int | None = None
    k: int | None = None
    engine: str | None = None
    model: str | None = None
    judge: str | None = None
    judge_model: str | None = None
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
        data = self.data
        files = (
            [data] if isinstance(data, str) else [f"{task}={file}" for task, file in data.items()]
        )
        return {**shared, **own, "data": files, "set": written}


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
    if content is None:
        raise UsageError(f"{path} is empty: write what is measured: tasks and systems; {_ADVICE}")
    try:
        return Sweep.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}: {_told(error)}") from None


def _told(error: ValidationError) -> str:
    """All that is wrong, and where: unknown keys first, since one of them may be the one that is missing."""
    found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    # A key that may have several types has an error of each.
    return "; ".join(dict.fromkeys(map(_mistake, found)))


def _mistake(error: ErrorDetails) -> str:
    """One thing that is wrong, and where."""
    kind, context = error["type"], error.get("ctx", {})
    # What comes after a key of `data` and `set` are names of types.
    where = error["loc"][:1] if error["loc"][:1] == ("data",) else error["loc"]
    place = ""
    for part in where:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    if kind == "extra_forbidden":
        model: type[_Part] = SweptSystem if where[0] == "systems" else Sweep
        return f"{place}: there is no such key: there are {', '.join(model.model_fields)}"
    if not place:
        return f"it holds no sweep: write keys with values, such as tasks and systems: {_ADVICE}"
    if place == "data":
        return "data: give a file, or a file for each task: {TASK: FILE}"
    if kind == "missing":
        return f"{place}: is missing"
    if kind == "string_pattern_mismatch":
        given = error["input"]
        return f"{place}: {given!r} names a folder: use letters, digits, spaces and _ . + = -, a letter or digit first"
    if kind == "too_short":
        return f"{place}: is empty: give at least one"
    if kind == "greater_than_equal":
        return f"{place}: {error['input']!r} is too low: give {context['ge']} or more"
    if kind in _TYPES:
        return f"{place}: {error['input']!r} is not {_TYPES[kind]}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
