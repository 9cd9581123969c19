from __future__ import annotations

from training.evaluation.part import Table
from training.model_card import model_card
from training.skills.catalogue import SKILLS
from training.training_record import Practised, TrainingRecord

RECORD = TrainingRecord(
    base="somebody/some-model",
    rank=8,
    planned=1700,
    steps=1500,
    rows=18,
    length=1408,
    rate=2e-3,
    seed=4,
    shares={"products": 0.3, "a skill that is no more": 0.1},
    tokens=33_400_000,
    seconds=390.0,
    machine="an H200",
    packages={"torch": "2.13.0"},
    practised=(Practised(skill="products", loss=0.0012, right=0.9998, tokens=8123),),
)
TABLE = Table(
    title="products, 500 problems",
    headers=("method", "right"),
    rows=[("a|b", "99.4 %")],
    notes=["n"],
)


def test_it_tells_where_the_adapter_is_from() -> None:
    card = model_card(RECORD, [TABLE], {"trained": "vllm:fingerprint"})
    assert card.startswith("---\nlicense: apache-2.0\nbase_model: somebody/some-model\n")
    assert (
        "1,500 of 1,700 steps of 18 rows of 1,408 tokens, 33.4M tokens, in 6.5 minutes on" in card
    )
    assert "- **products**, 75 % of lessons: products of numbers" in card
    assert "Held out: one product in ten" in card
    assert "- **a skill that is no more**, 25 % of lessons.\n" in card
    assert "| products | 99.98 % | 8,123 | 0.0012 |" in card


def test_it_has_the_tables_of_an_evaluation() -> None:
    card = model_card(RECORD, [TABLE], {"trained": "vllm:fingerprint"})
    assert "**products, 500 problems**\n\n| method | right |\n| --- | ---: |\n" in card
    # A cell does not end at what stands in it.
    assert "| a&#124;b | 99.4 % |\n\nn\n" in card
    assert "The trained model: `vllm:fingerprint`." in card


def test_the_command_that_repeats_it_has_every_setting() -> None:
    command = (
        "Repeat it with `python -m training train --out OUT --steps 1700 --rank 8 --rate 0.002 --rows 18 "
        "--length 1408 --seed 4"
    )
    today = {name: taught.share for name, taught in SKILLS.items()}
    assert f"{command}`.\n" in model_card(RECORD.model_copy(update={"shares": today}), [], {})
    some = RECORD.model_copy(update={"shares": {"paths": SKILLS["paths"].share}})
    assert f"{command} --skills paths`.\n" in model_card(some, [], {})
    assert f"{command} --skills products a skill that is no more`. Skills or their shares have" in (
        model_card(RECORD, [], {})
    )


def test_it_says_what_is_not_known() -> None:
    card = model_card(RECORD.model_copy(update={"tokens": None, "practised": ()}), [], {})
    assert "1,408 tokens, in 6.5 minutes" in card
    assert "Not evaluated yet" in card
    assert "each after the right ones" not in card
