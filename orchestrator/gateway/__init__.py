"""An OpenAI-compatible server over methods and plans."""
