"""LoRA adapters in PEFT's format: read and checked here, without PyTorch and without PEFT.

    adapter ──> tensor_file                       what the files say, and whether a model can take it
    shipped ──> adapter, checksums                the one that comes with forkjoin, if one does

What becomes of one is told elsewhere: `engines.embedded_weights` merges the shipped one, vLLM adds a user's own.
"""
