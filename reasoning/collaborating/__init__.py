"""Workers that think about one question side by side and read each other (Rodionov et al. 2025, Hogwild! Inference)."""
