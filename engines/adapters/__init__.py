"""LoRA adapters in PEFT's format: read, checked and added to weights here, without PyTorch and without PEFT.

    adapter ──> tensor_file                       what the files say, whether they fit a model, and what they change
    shipped ──> adapter, checksums                the one that comes with forkjoin, if one does

What becomes of one is told elsewhere: `engines.embedded_weights` has the shipped one merged, vLLM adds a user's own.
"""
