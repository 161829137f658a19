"""What the bench of inference is made of."""
