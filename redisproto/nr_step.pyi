class Step:
    """Fast handler of NR.STEP."""
