"""Models and data sets of the cache in one file, for a machine without internet."""
