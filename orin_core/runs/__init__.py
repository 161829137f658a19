"""Run folders and the processes that make them."""
