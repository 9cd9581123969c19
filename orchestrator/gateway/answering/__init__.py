"""A request of an API answered by a call of the engine, or by a run of an agent. It knows neither HTTP nor bodies."""
