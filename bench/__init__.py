"""Benchmarks of respnet and its peers: ``python -m bench`` from the repository root."""
