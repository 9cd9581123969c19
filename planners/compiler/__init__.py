"""LLMCompiler: a model writes the plan round by round, and judges what came of it."""
