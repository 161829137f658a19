"""Figures of this project's own speed and cost; ``make bench`` prints them."""
