"""Workers that write over one attention cache (Rodionov et al. 2025). vLLM has no such attention: this engine is ours.

    hogwild_engine ─> call ─> session ─> decoder           implemented in `model`
      async shell             who has    blocks of keys and values,
                              said what  attention, sampling

The session and what it stands on know no torch, which is imported under `model` and by what opens one; the decoder
knows no steps.
"""
