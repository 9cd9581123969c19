"""What a request says of how it wants to be thought about, and what an agent is made of for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engines import JsonSchema, Sampling
from orchestrator import Budget
from orchestrator.budget import Prices
from orchestrator.errors import InvalidRequest, UnknownModel
from orchestrator.gateway.answering.asked_way import asked_way, ways
from orchestrator.gateway.answering.model_names import named_model
from orchestrator.gateway.answering.way import Way, WayRules, lowered, way_of
from orchestrator.openai_api.model_request import ModelRequest
from planners import PLANNERS, LLMCompiler, SinglePlanner, ToolSpecification
from reasoning import (
    METHODS,
    Best,
    BestOfN,
    ChainOfThought,
    Hogwild,
    Majority,
    ParaThinker,
    PromptEnsemble,
    SelfConsistency,
    TreeSearch,
)

TOOL = ToolSpecification(name="weather")


def request(**fields: Any) -> ModelRequest:
    return ModelRequest(turns=(("user", "2 + 2?"),), **fields)


def way(
    suffix: str = "",
    said: Mapping[str, Any] | None = None,
    rules: WayRules | None = None,
    **fields: Any,
) -> Way:
    return way_of(asked_way(suffix, said or {}), request(**fields), rules or WayRules())


def refusal(suffix: str = "", said: Mapping[str, Any] | None = None, **fields: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        way(suffix, said, **fields)
    assert caught.value.field
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", PLANNERS)
def test_what_no_client_chose_is_not_too_much(name: str) -> None:
    assert way(name, rules=WayRules(most_threads=4)).planner == way(name).planner


def test_names_are_taken_apart_at_the_model_that_is_here() -> None:
    known = ["qwen", "qwen@home", "me/qwen:8b"]
    assert named_model("", known) == ("qwen", "")
    assert named_model("qwen@home", known) == ("qwen@home", "")
    assert named_model("qwen@best-of-n:n=2", known) == ("qwen", "best-of-n:n=2")
    assert named_model("qwen@home@beam", known) == ("qwen@home", "beam")
    assert named_model("me/qwen:8b@beam", known) == ("me/qwen:8b", "beam")
    assert named_model("@beam", known) == ("qwen", "beam")


@pytest.mark.parametrize("name", ["gpt-7", "qwe", "qwen:8b", "gpt-7@beam", " qwen"])
def test_a_model_that_is_not_here_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(UnknownModel, match="choose from qwen, llama") as caught:
        named_model(name, ["qwen", "llama"])
    assert caught.value.known == ("qwen", "llama")
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    ("suffix", "kind", "name"),
    [
        ("self-consistency:n=3", SelfConsistency, "samples"),
        ("best-of-n:n=3", BestOfN, "samples"),
        ("parathinker:n=3", ParaThinker, "threads"),
        ("prompt-ensemble:n=3", PromptEnsemble, "prompts"),
        ("hogwild:n=3", Hogwild, "workers"),
        ("rebase:n=3", TreeSearch, "width"),
    ],
)
def test_n_is_the_number_of_threads_whatever_a_method_calls_it(
    suffix: str, kind: type, name: str
) -> None:
    method = way(suffix).method
    assert isinstance(method, kind)
    assert getattr(method, name) == 3


def test_keys_behind_a_model_are_those_of_the_way_that_was_named() -> None:
    made = way("self-consistency:reducer.scorer=verifier,reducer=best,samples=2,method=parathinker")
    assert isinstance(made.method, SelfConsistency)
    assert isinstance(made.method.reducer, Best)
    assert isinstance(made.method.method, ParaThinker)
    assert made.reducer is None
    assert isinstance(made.planner, SinglePlanner)


def test_a_planner_has_keys_too_and_those_of_another_thing_are_told_by_its_name() -> None:
    made = way("llm-compiler:max_steps=3,method.instruction= Be brief.")
    assert isinstance(made.planner, LLMCompiler)
    assert made.planner.max_steps == 3
    assert made.method == ChainOfThought(instruction=" Be brief.")


def test_a_body_says_the_same_as_the_command_line() -> None:
    said = {
        "method": "self-consistency",
        "planner": "llm-compiler",
        "reducer": "best",
        "set": {"method.samples": 2, "planner.thoughts": False, "reducer.scorer": "confidence"},
        "budget": {"tokens": 900, "seconds": 1.5},
        "events": False,
    }
    made = way("", said)
    assert isinstance(made.method, SelfConsistency)
    assert made.method.samples == 2
    assert isinstance(made.planner, LLMCompiler)
    assert not made.planner.thoughts
    assert isinstance(made.reducer, Best)
    assert made.budget == Budget(tokens=900, seconds=1.5)
    assert not made.events


def test_name_and_body_may_both_say_something() -> None:
    made = way(
        "self-consistency:n=3", {"method": "self-consistency", "set": {"method.stop": "beta"}}
    )
    assert isinstance(made.method, SelfConsistency)
    assert made.method.samples == 3
    assert refusal("beam", {"method": "ets"}) == (
        'forkjoin.method is "ets", and the model\'s name says beam'
    )
    assert "given twice" in refusal("self-consistency:n=3", {"set": {"method.samples": 4}})


@pytest.mark.parametrize("name", ways())
def test_every_way_can_be_named_with_what_is_allowed_by_default(name: str) -> None:
    made = way(name)
    assert (name in PLANNERS) == (not isinstance(made.planner, SinglePlanner) or name == "single")


@pytest.mark.parametrize(
    ("suffix", "said", "told"),
    [
        ("best", {}, "choose from chain-of-thought, self-consistency"),
        ("best", {}, "or a planner: llm-compiler"),
        ("self-consistency:sampels=3", {}, "there is samples, method"),
        ("self-consistency:samples", {}, "write MODEL@self-consistency:KEY=VALUE"),
        ("self-consistency:samples=many", {}, "method.samples=many"),
        ("self-consistency:n=0", {}, "at least 1 is needed"),
        ("self-consistency:n=3,samples=3", {}, "given twice"),
        ("chain-of-thought:n=3", {}, "no number of threads"),
        ("", {"metod": "beam"}, "there is planner, method, reducer, set, budget, events"),
        ("", {"method": "bean"}, "choose from beam, best-of-n"),
        ("", {"method": ["beam"]}, "a list of 1"),
        ("", {"method": "beam", "set": {"metod.width": 3}}, "write one of planner.KEY=VALUE"),
        ("", {"method": "beam", "set": "method.width=3"}, "has to be an object"),
        ("beam", {"budget": {"token": 3}}, "some of tokens, calls, seconds, money"),
        ("beam", {"budget": {"tokens": 1.5}}, "whole number, and is 1.5"),
        ("beam", {"budget": {"tokens": True}}, "whole number, and is true"),
        ("beam", {"budget": {"seconds": 0}}, "more than 0"),
        ("beam", {"budget": {"money": 1}}, "no price here"),
        ("beam", {"events": "no"}, "true or false"),
        ("beam", {"reducer": "best"}, '{"set": {"method.reducer": "best"}}'),
        ("llm-compiler", {"set": {"reducer.scorer": "verifier"}}, "choose one as forkjoin.reducer"),
    ],
)  # fmt: skip
def test_what_nobody_knows_is_refused_with_what_is_known(
    suffix: str, said: Mapping[str, Any], told: str
) -> None:
    assert told in refusal(suffix, said)


@pytest.mark.parametrize(
    "suffix",
    [
        "best-of-n:scorer=reward-model,scorer.url=http://169.254.169.254",
        "beam:scorer=step-logits,scorer.url=http://localhost:22",
        "ets:rule.embedder=server,rule.embedder.url=http://localhost",
        "ets:rule.embedder=minilm",
        "ets:rule.embedder.dimensions=65536",
        "ets:rule.time_limit=1000",
        "self-consistency:method=best-of-n,method.scorer=reward-model,method.scorer.url=http://a",
    ],
)
def test_a_client_may_not_have_the_server_ask_addresses_or_compute_for_long(suffix: str) -> None:
    assert "only who runs the server chooses it" in refusal(suffix)
    if "url" not in suffix.rpartition(",")[0]:
        way(suffix, rules=WayRules(trusting=True, most_threads=100))


@pytest.mark.parametrize(
    ("suffix", "told"),
    [
        ("self-consistency:n=65", "65 threads of SelfConsistency: at most 64"),
        ("self-consistency:n=16,method=parathinker,method.threads=16", "256 threads"),
        ("beam:width=65", "65 threads of TreeSearch"),
        ("best-of-n:scorer.votes=65", "votes of 65"),
        ("self-consistency:reducer=best,reducer.scorer=verifier,reducer.scorer.votes=65", "votes"),
        ("multiverse:max_paths=65", "max_paths of 65"),
        ("llm-compiler:max_steps=65", "max_steps of 65"),
    ],
)
def test_widths_have_an_end(suffix: str, told: str) -> None:
    assert told in refusal(suffix)


def test_how_a_request_samples_is_how_its_threads_do() -> None:
    usual = Sampling(max_tokens=100, seed=7)
    made = way("self-consistency", None, WayRules(sampling=usual), sampling={"temperature": 0.1})
    assert isinstance(made.method, SelfConsistency)
    expected = Sampling(max_tokens=100, seed=7, temperature=0.1)
    assert made.method.method == ChainOfThought(sampling=expected)
    assert made.method.reducer == Majority()
    assert made.sampling == expected


def test_a_format_is_of_the_answer_and_of_no_thread() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}}
    made = way("self-consistency", sampling={"constraint": JsonSchema(definition=schema)})
    assert made.output_schema == schema
    assert made.sampling.constraint is None


def test_what_only_one_call_can_be_told_is_refused_where_there_are_more() -> None:
    assert way("chain-of-thought", sampling={"stop": ("\n",)}).sampling.stop == ("\n",)
    assert "stop ends a single call" in refusal("self-consistency", sampling={"stop": ("\n",)})
    assert "stop ends a single call" in refusal("llm-compiler", sampling={"stop": ("\n",)})
    assert "n of 2" in refusal("chain-of-thought", choices=2)


def test_a_client_with_tools_is_planned_for() -> None:
    made = way(tools=(TOOL,))
    assert isinstance(made.planner, LLMCompiler)
    assert made.method == ChainOfThought(instruction="")
    made = way("self-consistency", tools=(TOOL,))
    assert isinstance(made.planner, LLMCompiler)
    assert isinstance(made.method, SelfConsistency)
    made = way("self-consistency", tools=(TOOL,), tool_choice="none")
    assert isinstance(made.planner, SinglePlanner)
    made = way("outline", tools=(TOOL,), rules=WayRules(planner="scale"))
    assert type(made.planner).__name__ == "Outline"
    assert type(way(tools=(TOOL,), rules=WayRules(planner="scale")).planner).__name__ == "SCALE"


def test_a_budget_is_never_more_than_the_servers() -> None:
    ceiling = Budget(tokens=100, calls=10, prices=Prices(prompt=1, generated=1), money=2)
    made = lowered(ceiling, {"tokens": 500, "calls": 5, "seconds": 9, "money": 1})
    assert (made.tokens, made.calls, made.seconds, made.money) == (100, 5, 9, 1)
    assert made.prices == ceiling.prices


def test_what_names_no_way_is_plain() -> None:
    assert asked_way("", {}).is_plain
    asked = asked_way("", {"budget": {"tokens": 9}})
    assert asked.is_plain
    asked.refuse_parts()
    for said in ({"set": {"method.samples": 3}}, {"reducer": "best"}):
        with pytest.raises(InvalidRequest, match="names neither a method nor a planner"):
            asked_way("", said).refuse_parts()


def test_methods_are_what_they_are_called() -> None:
    assert set(ways()) == {*METHODS, *PLANNERS}


@pytest.mark.parametrize(
    "suffix",
    [
        "llm-compiler:max_replans=65",
        "llm-compiler:max_repairs=10000",
        "outline:attempts=65",
        "outline:max_depth=65",
        "scale:attempts=65",
        "beam:max_depth=65",
        "mcts:rule.simulations=65",
        "multiverse:max_rounds=65",
        "think-budget:max_continuations=65",
    ],
)
def test_what_repeats_work_has_a_limit_as_what_multiplies_it(suffix: str) -> None:
    assert "at most 64 " in refusal(suffix) or "65 threads" in refusal(suffix)
    way(suffix.replace("65", "64").replace("10000", "64"), rules=WayRules(most_threads=64))


def test_a_list_behind_a_model_is_pointed_to_where_it_can_stand() -> None:
    said = refusal('llm-compiler:methods=["self-consistency","beam"]')
    assert '{"set": {"planner.methods": [...]}} as forkjoin' in said
    methods = ["self-consistency", "beam"]
    way("llm-compiler", {"set": {"planner.methods": methods}})


@pytest.mark.parametrize("name", ["qwen@", "@"])
def test_nothing_behind_the_at_is_no_way(name: str) -> None:
    with pytest.raises(InvalidRequest, match="behind the @") as caught:
        named_model(name, ["qwen"])
    assert caught.value.field == "model"
    assert named_model("qwen@", ["qwen@"]) == ("qwen@", "")
