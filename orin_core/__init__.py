"""Run a model on a Jetson, record what the board did, and say what the numbers mean."""

__version__ = "0.1.0"
