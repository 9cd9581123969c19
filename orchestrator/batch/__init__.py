"""Batches: many rows of a file, each answered by a method, as one job that can be stopped, resumed and split.

IN.jsonl ─> reader ─Row─> backend ─> worker ─Finished─> work file ─> OUT.jsonl, OUT.errors.jsonl

It knows no evaluation: what an answer is worth is told elsewhere.
"""
