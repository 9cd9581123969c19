"""What the benchmarks of planners share: questions with canned tools, a ReAct loop, BFCL's tools and its matching."""
