"""Sweeps: many runs in order, on disk, resumable; the queue of the board."""
