class Run:
    """Fast handler of NR.RUN."""

class Class:
    """Fast handler of NR.CLASS."""
