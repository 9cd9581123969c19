"""Recorded outputs of models as an engine: what was recorded, which of it a call gets, and its tokens.

replay_engine ─┬─ recording       reads files
  async shell  ├─ picking         which question a call asks, and which sample it gets
               └─ reply           limits and stops ── byte_tokens
"""
