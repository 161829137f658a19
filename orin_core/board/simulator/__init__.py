"""A simulated Jetson AGX Orin 64 GB: programs ``tegrastats`` and ``nvpmodel`` over a state folder.

Everything here is standard library only, so that the programs start quickly.
"""
