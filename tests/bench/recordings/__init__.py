"""Built run folders with known truth, written in simulated time through the real recorder and parser.

What the generator knows comes from its own parameters; it uses no rule, threshold or window of the code
that judges the recordings.
"""
