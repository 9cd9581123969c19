from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from engines import (
    Engine,
    MissingExtra,
    Sampling,
    UsageError,
    converse,
    hogwild_engine,
    run_in_portal,
)
from engines.adapters.shipped import is_shipped
from engines.embedded_model import default_name

there = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not there, reason="PyTorch is not installed")


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    find: Callable[..., ModuleSpec | None] = importlib.util.find_spec

    def hiding(name: str, *arguments: Any) -> ModuleSpec | None:
        return None if name == missing else find(name, *arguments)

    monkeypatch.setattr(importlib.util, "find_spec", hiding)
    with pytest.raises(MissingExtra, match=f"^{missing}, which --engine hogwild runs on, is not"):
        hogwild_engine()


@needs_torch
@pytest.mark.parametrize("model", ["./nothing", "nothing", "a/b/c", "/"])
def test_a_model_that_cannot_be_is_refused_before_torch_is_loaded(model: str) -> None:
    with pytest.raises(UsageError, match=r"no model|no folder|no Hugging Face model"):
        hogwild_engine(model)


@needs_torch
def test_making_one_imports_no_torch() -> None:
    code = "import sys; from engines import hogwild_engine; hogwild_engine(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers"} & set(done.stdout.split())


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("configuration", "options", "message"),
    [
        ({"model_type": "gpt2"}, {}, "this one is of the type gpt2"),
        ({"model_type": "nonsense"}, {}, "nonsense"),
        ({"model_type": "llama"}, {}, "model.safetensors"),
        ({"model_type": "llama"}, {"dtype": "int3"}, "'int3'"),
        ({"model_type": "llama"}, {"device": "abacus"}, "'abacus'"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_line(
    tmp_path: Path,
    configuration: dict[str, str],
    options: dict[str, str],
    message: str,
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    with pytest.raises(UsageError) as caught, hogwild_engine(str(tmp_path), **options):
        raise AssertionError("it opened")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_a_folder_without_a_tokenizer_is_told_in_one_line(tmp_path: Path) -> None:
    from engines.hogwild.model.tokenizing import ModelTokenizer

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UsageError, match=r"has no tokenizer\.json: add ") as caught:
        ModelTokenizer.load(str(tmp_path))
    assert len(str(caught.value).splitlines()) == 1


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_the_embedded_model_opens_without_a_word(
    one_torch_thread: None, capfd: pytest.CaptureFixture[str]
) -> None:
    async def said(engine: Engine) -> str:
        asked = await converse(engine, [("user", "Say yes."), ("assistant", "")])
        return (await engine.generate(asked, Sampling(max_tokens=2, temperature=0))).text

    with hogwild_engine() as engine:
        assert (engine.model, engine.capabilities.window) == (default_name(), 8192)
        assert (engine.fingerprint == f"{default_name()} float32 hogwild") != is_shipped()
        assert run_in_portal(lambda: said(engine))
    assert capfd.readouterr() == ("", "")
