"""Layers: one recipe a file (parameters, shapes, forward and backward steps)."""
