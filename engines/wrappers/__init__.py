"""Engines around an engine, each of which changes one thing about what happens to a call.

They go together in any order. This one, from the outside in, is what they were made for, and what a run uses
(`orchestrator.calls`, which pays for each try between the last two):

    BackgroundEngine    serves its calls after those of others
    RetryEngine         waits without holding a slot
    LimitedEngine       counts each try as a call
    HedgeEngine         measures calls without the time that they queue for a slot; gives second tries one of their own
    WatchedEngine       tells the tokens of every try
    TimeoutEngine       ends one try, so that the others go on
    MeteredEngine       counts the blocks of KV cache in use, where somebody wants to know
    the engine

The three innermost ask the engine for parts, also of a call that is read whole. What repeats calls stands outside of
them, where that call is still whole: when it breaks, nothing of it has been passed on.
"""
