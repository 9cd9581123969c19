"""Models behind an OpenAI-compatible API. `HttpEngine` is the way in; importing this package loads nothing."""
