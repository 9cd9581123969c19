"""The headline table: what forkjoin reaches on a GPU, beside what else runs on the same engine in the same run."""
