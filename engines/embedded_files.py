"""The configuration and the tokenizer of the embedded model as Hugging Face files, from what its GGUF file says.

Knows nothing of weights. transformers has a converter too, but to import it and to run it takes half a minute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError

_CONTROL = 3  # the type of tokens that no text becomes
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
# What a text is cut into before pairs are merged, by the name that GGUF has for it: each digit stands alone, so that
# what stands before it is cut as if there were none.
_CUTS = {
    "smollm": {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, _BYTES],
    }
}


def write_configuration(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes `config.json` and `generation_config.json`."""
    special = {f"{name}_token_id": number for name, number in _special(values).items()}
    width, heads = values["llama.embedding_length"], values["llama.attention.head_count"]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "head_dim": width // heads,
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": values["llama.feed_forward_length"],
        "max_position_embeddings": values["llama.context_length"],
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": heads,
        "num_hidden_layers": values["llama.block_count"],
        "num_key_value_heads": values["llama.attention.head_count_kv"],
        "rms_norm_eps": values["llama.attention.layer_norm_rms_epsilon"],
        "rope_theta": values["llama.rope.freq_base"],
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "vocab_size": values["llama.vocab_size"],
    }
    _write(folder / "config.json", config | special)
    ends = {name: special[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write(folder / "generation_config.json", ends)


def write_tokenizer(folder: Path, values: Mapping[str, Any]) -> None:
    """Writes `tokenizer.json`, of byte-level BPE, and `tokenizer_config.json` with the chat template.

    Raises:
        UsageError: It is not known how this one cuts texts.
    """
    cut = str(values["tokenizer.ggml.pre"])
    if cut not in _CUTS:
        raise UsageError(
            f"a tokenizer that cuts texts as {cut} is not known, only {', '.join(_CUTS)}"
        )
    tokens: list[str] = values["tokenizer.ggml.tokens"]
    kinds: list[int] = values["tokenizer.ggml.token_type"]
    added = [
        {"id": number, "content": token, "special": True, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False}
        for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind == _CONTROL
    ]  # fmt: skip
    model = {
        "type": "BPE",
        "vocab": {token: number for number, token in enumerate(tokens)},
        "merges": [merge.split(" ") for merge in values["tokenizer.ggml.merges"]],
    }
    tokenizer = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": _CUTS[cut],
        "decoder": _BYTES,
        "model": model,
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "chat_template": values["tokenizer.chat_template"],
        **{f"{name}_token": tokens[number] for name, number in _special(values).items()},
    }
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "tokenizer_config.json", settings)


def _special(values: Mapping[str, Any]) -> dict[str, int]:
    names = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    return {ours: values[f"tokenizer.ggml.{theirs}_token_id"] for ours, theirs in names.items()}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
