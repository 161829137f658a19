"""What doctor and kit-check look at, and how."""
