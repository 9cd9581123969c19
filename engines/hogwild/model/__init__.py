"""The model that a session's decoder stands on, with PyTorch: all that is imported only where something is computed.

    torch_model ─> torch_decoder ─> network     its forward pass, to which attention is an argument
      loaded         one session ─> attention   over blocks of keys and values, in three kernels on a GPU
                                 ─> sampler     draws the tokens

It knows no steps, no names and no event loop.
"""
