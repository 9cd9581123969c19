"""An OpenAI-compatible server over methods and plans.

    serving/     HTTP: keys, limits, bodies, disconnects, metrics
       │ ModelRequest, and Pieces back
    answering/   a request by a call of the engine, or by a run; the client's own tools

Bodies are read and written by `orchestrator.openai_api`.
"""
