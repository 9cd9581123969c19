from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from engines import FakeEngine, Sampling, UsageError, configured, converse, option_names
from reasoning import (
    EMBEDDERS,
    METHODS,
    REDUCERS,
    RULES,
    SCORERS,
    STOPPING_RULES,
    Answer,
    Best,
    BestOfN,
    BetaPosterior,
    ChainOfThought,
    Ets,
    First,
    Majority,
    ParaThinker,
    SelfConsistency,
    Synthesise,
    Verifier,
    choices,
    method_named,
    reducer_named,
    rule_named,
    scorer_named,
    stopping_rule_named,
)
from reasoning.catalogue import sampling_of
from tests.reasoning import method_rules

OURS = Sampling(max_tokens=77, top_p=0.875, seed=5)
FORKING = {"multiverse", "threadweaver"}
CATALOGUES: Mapping[str, Mapping[str, Any]] = {
    "method": METHODS,
    "reducer": REDUCERS,
    "scorer": SCORERS,
    "stopping rule": STOPPING_RULES,
    "rule": RULES,
    "embedder": EMBEDDERS,
}
ENTRIES = [
    pytest.param(kind, name, id=f"{kind}-{name}")
    for kind, catalogue in CATALOGUES.items()
    for name in catalogue
]

compares_at_sight = pytest.fixture(autouse=True, scope="module")(method_rules.comparing_at_sight)


def parts(thing: object) -> Iterator[object]:
    """A configuration and all that it is made of."""
    yield thing
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from parts(getattr(thing, field.name))


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_everything_inside_of_what_is_named_samples_as_is_given(kind: str, name: str) -> None:
    made = CATALOGUES[kind][name](OURS)
    assert {part for part in parts(made) if isinstance(part, Sampling)} <= {OURS}


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_option_of_what_is_named_is_listed_and_has_a_default(kind: str, name: str) -> None:
    made = CATALOGUES[kind][name](OURS)
    assert type(made)() == type(made)()
    assert configured(made, {}, named=choices(OURS)) == made
    fields = {field.name for field in dataclasses.fields(made) if field.init}
    listed = {option.partition(".")[0] for option in option_names(made, choices(OURS))}
    # Functions are given in Python only.
    assert listed == fields - {"equality"}


@pytest.mark.anyio
@pytest.mark.parametrize("name", METHODS)
async def test_every_named_method_thinks_with_the_given_sampling(name: str) -> None:
    said = "it is \\boxed{4}.\n\n"
    engine = FakeEngine(lambda context, sampling: "Yes" if sampling.constraint else said)
    root = await converse(engine, [("user", "What is 2 + 2?")], name="root")
    method = configured(method_named(name, OURS), {"invited": "no"} if name in FORKING else {})
    assert (await method.solve(root, engine)).final == "4"
    assert {call.sampling.top_p for call in engine.calls} == {OURS.top_p}
    # Workers of one call have so many each.
    alone = [call.sampling for call in engine.calls if call.sampling.collaboration is None]
    assert all(sampling.max_tokens <= 256 for sampling in alone)
    assert len({call.sampling.seed for call in engine.calls}) == len(engine.calls)


@pytest.mark.anyio
@pytest.mark.parametrize("name", REDUCERS)
@pytest.mark.parametrize("count", [1, 3])
async def test_every_named_reducer_reduces_with_the_given_sampling(name: str, count: int) -> None:
    def script(context: Any, sampling: Sampling) -> str:
        options = getattr(sampling.constraint, "options", ("the answer is 4",))
        return str(options[0])

    engine = FakeEngine(script)
    root = await converse(engine, [("user", "What is 2 + 2?")], name="root")
    candidates = [Answer(text=text, value=text) for text in ("4", "5", "6")[:count]]
    answer = await reducer_named(name, OURS).reduce(candidates, root, engine)
    assert answer.value == "4"
    assert {call.sampling.top_p for call in engine.calls} <= {OURS.top_p}


def test_what_is_inside_of_a_choice_can_be_chosen_too() -> None:
    options = {
        "method": "parathinker",
        "method.threads": "2",
        "reducer": "best",
        "reducer.scorer": "verifier",
        "reducer.scorer.votes": "3",
        "stop": "beta",
        "stop.confidence": "0.9",
    }
    for ordered in (options, dict(reversed(options.items()))):
        found = configured(method_named("self-consistency", OURS), ordered, named=choices(OURS))
        assert found == SelfConsistency(
            method=ParaThinker(
                threads=2,
                method=ChainOfThought(sampling=OURS),
                reducer=Synthesise(sampling=OURS),
            ),
            reducer=Best(scorer=Verifier(sampling=OURS, votes=3)),
            stop=BetaPosterior(confidence=0.9),
        )


def test_what_is_chosen_samples_as_what_it_replaces_or_else_as_the_rest() -> None:
    theirs = Sampling(seed=9)
    made = SelfConsistency(method=ChainOfThought(sampling=theirs))
    named = {"method": "best-of-n", "reducer": "synthesise"}
    found = configured(made, named, named=choices(OURS))
    assert found.method == BestOfN(
        method=ChainOfThought(sampling=theirs), scorer=Verifier(sampling=theirs)
    )
    assert found.reducer == Synthesise(sampling=OURS)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (First(), None),
        (Majority(), None),
        (None, None),
        (OURS, OURS),
        (ChainOfThought(sampling=OURS), OURS),
        (BestOfN(method=SelfConsistency(method=ChainOfThought(sampling=OURS))), OURS),
    ],
)
def test_how_a_configuration_samples(thing: object, expected: Sampling | None) -> None:
    assert sampling_of(thing) == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("reducer=vote", "reducer=vote: there is no reducer 'vote': choose from best, first, maj"),
        ("stop=soon", "stop=soon: there is no stopping rule 'soon': choose from adaptive, beta, "),
        ("method=cot", "method=cot: there is no method 'cot': choose from beam, best-of-n, bla"),
        ("method=", "method=: there is no method '': choose from beam, best-of-n"),
        (
            "reducer.scorer=verifier",
            "reducer.scorer: there is no such option: there is samples, method, method.…, "
            "reducer, stop, in_flight",
        ),
    ],
)
def test_a_wrong_name_is_told_with_its_place_and_the_names_there_are(
    option: str, message: str
) -> None:
    name, _, text = option.partition("=")
    with pytest.raises(UsageError) as caught:
        configured(SelfConsistency(), {name: text}, named=choices(OURS))
    assert str(caught.value).startswith(message)


def test_an_unknown_name_is_told_with_the_names_there_are() -> None:
    ways: Mapping[str, Callable[[], object]] = {
        "method": lambda: method_named("x", OURS),
        "reducer": lambda: reducer_named("x", OURS),
        "scorer": lambda: scorer_named("x", OURS),
        "stopping rule": lambda: stopping_rule_named("x"),
        "rule": lambda: rule_named("x"),
        "embedder": lambda: configured(Ets(), {"embedder": "x"}, named=choices(OURS)),
    }
    for kind, find in ways.items():
        with pytest.raises(UsageError) as caught:
            find()
        known = ", ".join(sorted(CATALOGUES[kind]))
        assert str(caught.value).endswith(f"there is no {kind} 'x': choose from {known}")


def test_names_find_what_they_name() -> None:
    assert scorer_named("verifier", OURS) == Verifier(sampling=OURS)
    assert stopping_rule_named("beta") == BetaPosterior()
