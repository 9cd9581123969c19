"""A model with an adapter to be trained, LoRA on all linear layers (Hu et al. 2022), and its loss on rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import Tensor
from torch.nn import functional
from transformers.utils import logging

from engines import UsageError
from engines.hogwild.model.checkpoint import first_line, weights

from .masks import block_mask, dense_mask
from .rows import Rows

BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
RANK = 16
# A model learns digits by large steps: twice what the adapter says is added.
_ALPHA = 32
# For each token, layer and place of its width: what is kept for the gradients. Measured on the embedded model, of which
# a step of 704, 1,408 and 2,816 tokens took 1.4, 4.3 and 7.5 GB.
_BYTES = 48
_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True, slots=True)
class Loss:
    """What rows came to.

    Attributes:
        mean: The mean cross-entropy of the tokens that are learned.
        right: The share of these that are the most likely ones.
        tokens: How many these are.
    """

    mean: Tensor
    right: Tensor
    tokens: int


class AdaptedModel:
    """A model of which the adapter alone is trained, in float32 on a CPU.

    On a GPU the base is in bfloat16, as it is where it is used, and the adapter in float32 under autocast; layers are
    compiled, all to the same code, and attend by blocks: twice as fast as without.

    Args:
        folder: Of the base model.
        device: Where it computes.
        rank: Of the adapter.
        base: What the adapter says that it was trained on.

    Raises:
        UsageError: There is no such model, its weights are not those of its configuration, or it has no linear layers
            of these names.
    """

    def __init__(self, folder: str, device: str, *, rank: int = RANK, base: str = BASE) -> None:
        self.device = device
        self.rank = rank
        self.base = base
        # A bar that moves among the lines that are told.
        logging.disable_progress_bar()
        config = LoraConfig(
            r=rank, lora_alpha=rank * _ALPHA // RANK, target_modules=_LINEAR, task_type="CAUSAL_LM"
        )
        model = weights(
            folder,
            "bfloat16" if self.on_gpu else "float32",
            # On a CPU FlexAttention has no gradients.
            attn_implementation="flex_attention" if self.on_gpu else "sdpa",
        )
        try:
            adapted = get_peft_model(model, config)
        except ValueError as error:
            raise UsageError(
                f"the model {folder} cannot be adapted: {first_line(error)}"
            ) from error
        self.adapted: Any = adapted.to(device)
        for module in self.adapted.modules():
            if isinstance(module, LoraLayer):
                # What autocast takes back to bfloat16 at once need not be made float32 before.
                module.cast_input_dtype_enabled = False
        inner = self.adapted.get_base_model()
        self._head: Any = inner.lm_head
        self._body: Any = inner.model
        if self.on_gpu:
            for layer in self._body.layers:
                layer.forward = torch.compile(layer.forward, dynamic=False)

    @property
    def on_gpu(self) -> bool:
        """Whether it computes in bfloat16, on a GPU."""
        return self.device.startswith("cuda")

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What is trained."""
        return [weight for weight in self.adapted.parameters() if weight.requires_grad]

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self.adapted.config.vocab_size)

    def bytes_of_step(self, tokens: int) -> int:
        """About the memory that a step of so many tokens takes on a CPU, beside the weights; none is exact."""
        config = self.adapted.config
        width = config.hidden_size + config.intermediate_size
        return int(tokens * config.num_hidden_layers * width * _BYTES)

    def loss(self, rows: Rows) -> Loss:
        """The loss of what is learned in these rows."""
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self.on_gpu):
            hidden = self._hidden(rows)
            # Found before it comes to the GPU, which need not be waited for so. A token is told by the one before it
            # in its unit, which need not be the one before it in the row.
            row, place = rows.learned.nonzero()
            before = rows.parents[row, place]
            wanted = self._on_device(rows.tokens[row, place]).long()
            logits = self._head(hidden[self._on_device(row), self._on_device(before).long()])
        right = (logits.argmax(-1) == wanted).float().mean()
        return Loss(functional.cross_entropy(logits.float(), wanted), right, len(wanted))

    def save(self, folder: Path) -> None:
        """Writes the adapter as PEFT does, in bfloat16."""
        state = get_peft_model_state_dict(self.adapted)
        # Whoever loads it elsewhere looks for the model there; the embedded one's folder here says nothing to them.
        self.adapted.peft_config["default"].base_model_name_or_path = self.base
        self.adapted.save_pretrained(
            folder,
            state_dict={name: weight.bfloat16() for name, weight in state.items()},
            # It would look for the base model on the hub otherwise.
            save_embedding_layers=False,
        )

    def _hidden(self, rows: Rows) -> Tensor:
        ends = self._on_device(rows.ends)
        hidden: Tensor = self._body(
            input_ids=self._on_device(rows.tokens).long(),
            attention_mask=block_mask(ends) if self.on_gpu else dense_mask(ends),
            position_ids=self._on_device(rows.positions).long(),
            use_cache=False,
        ).last_hidden_state
        return hidden

    def _on_device(self, array: Any) -> Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)
