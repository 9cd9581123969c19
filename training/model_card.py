"""The model card of an adapter: `README.md`, as Hugging Face's hub reads it. Pure.

record of the training ─┐
                        ├─> card
tables of an evaluation ┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .evaluation.part import Table
from .skills.catalogue import SKILLS
from .training_record import TrainingRecord

_HEAD = """---
license: apache-2.0
base_model: {base}
library_name: peft
tags: [lora, arithmetic, parallel-thinking]
---
# The adapter of forkjoin's embedded model

A LoRA adapter of rank {rank} on all linear layers of `{base}`. With it the model thinks in parallel natively: it forks
into threads and joins them, plans calls of tools, proposes and judges the steps of a search. All that it was taught is
arithmetic: it is there so that every method of forkjoin can be tried, and measured, on a small model.
"""

_USE = """## How to use it

`forkjoin run` and `engines.local_engine()` merge it into the embedded model by themselves; `smollm2` is the model
without it. Elsewhere it is an ordinary adapter in PEFT's format:

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(model, "FOLDER")
```

and in vLLM `vllm serve {base} --enable-lora --lora-modules forkjoin=FOLDER`. It answers to the very prompts that
forkjoin's methods send; `training/` has them.
"""

_LIMITS = """## Limits

It solves the kinds of problems that it was taught, in the sizes that it was taught, and little else: on other questions
it may well be worse than its base. It errs more often the longer numbers are. English only. Nothing was done about
safety beyond what the base model has.

## Licence

Apache-2.0, as the base model and forkjoin.
"""


def model_card(record: TrainingRecord, tables: Sequence[Table], engines: Mapping[str, str]) -> str:
    """The card.

    Args:
        record: How the adapter came to be.
        tables: What was measured of it; none if nothing was.
        engines: What it was measured on: of each model the engine's fingerprint.
    """
    parts = [
        _HEAD.format(base=record.base, rank=record.rank),
        _taught(record),
        _trained(record),
        _measured(record, tables, engines),
        _USE.format(base=record.base),
        _LIMITS,
    ]
    return "\n".join(part for part in parts if part)


def _taught(record: TrainingRecord) -> str:
    total = sum(record.shares.values())
    return _section(
        "What it was taught",
        "Lessons are made by programs, and every number in them is computed: each is a real run of a method, with a "
        "teacher in the place of the model. No lesson asks for what is held out.",
        "\n".join(_skill(name, share / total) for name, share in record.shares.items()),
    )


def _skill(name: str, share: float) -> str:
    line = f"- **{name}**, {100 * share:.0f} % of lessons"
    # A record may be older than the skills are.
    known = SKILLS.get(name)
    return f"{line}: {known.about}. Held out: {known.held_out}." if known else f"{line}."


def _trained(record: TrainingRecord) -> str:
    tokens = "" if record.tokens is None else f", {record.tokens / 1e6:.1f}M tokens"
    versions = ", ".join(f"{name} {version}" for name, version in record.packages.items())
    return _section(
        "How it was trained",
        f"{record.steps:,} of {record.planned:,} steps of {record.rows} rows of {record.length:,} tokens{tokens}, in "
        f"{record.seconds / 60:.1f} minutes on {record.machine}. The calls of a lesson are one trie of tokens, each of "
        f"which is computed once; the loss is on what the model has to say. AdamW, learning rate {record.rate:g} at "
        f"its peak, a short warm-up and a cosine; the adapter in float32, on a GPU under bfloat16 autocast; "
        f"seed {record.seed}.",
        f"Repeat it with `{_command(record)}`.{_about_shares(record)}",
        f"Made with {versions}." if versions else "",
    )


def _command(record: TrainingRecord) -> str:
    # All that there is, also where it is the default, which may be another one in a later version.
    options = {
        "steps": record.planned,
        "rank": record.rank,
        "rate": f"{record.rate:g}",
        "rows": record.rows,
        "length": record.length,
        "seed": record.seed,
    }
    told = " ".join(f"--{name} {value}" for name, value in options.items())
    skills = "" if record.shares.keys() == SKILLS.keys() else f" --skills {' '.join(record.shares)}"
    return f"python -m training train --out OUT {told}{skills}"


def _about_shares(record: TrainingRecord) -> str:
    now = {name: SKILLS[name].share for name in record.shares if name in SKILLS}
    if now == record.shares:
        return ""
    return " Skills or their shares have changed since: set those above in `training/skills/catalogue.py` first."


def _measured(record: TrainingRecord, tables: Sequence[Table], engines: Mapping[str, str]) -> str:
    practised = [
        (each.skill, f"{100 * each.right:.2f} %", f"{each.tokens:,}", f"{each.loss:.4f}")
        for each in record.practised
    ]
    first = [
        "Tokens of fresh lessons, each after the right ones:",
        _markdown(("skill", "most likely token right", "tokens", "loss"), practised),
    ]
    told = [f"The {model} model: `{engine}`." for model, engine in engines.items()]
    for table in tables:
        told += [f"**{table.title}**", _markdown(table.headers, table.rows), *table.notes]
    if not tables:
        told = ["Not evaluated yet: `python -m training evaluate` does."]
    return _section("What was measured", *(first if practised else ()), *told)


def _section(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"## {title}", *filter(None, paragraphs)]) + "\n"


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )
