"""Weights and images: what is on this machine, what a name or a path means, how to fetch; no torch."""
