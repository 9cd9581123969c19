"""Tree searches of made-up thoughts on a real engine, for the part `searches`: thoughts, runs, blocks, figures."""
