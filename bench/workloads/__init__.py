"""Workloads: each a module with ``TITLE`` and ``contests(quick)``."""
