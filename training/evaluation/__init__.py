"""Measures the trained model: `python -m training evaluate`. Every figure is of real samples, and has its n."""
