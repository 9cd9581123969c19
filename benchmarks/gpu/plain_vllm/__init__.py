"""vLLM as others use it, for what is measured beside it: its offline `LLM`, and its own server."""
