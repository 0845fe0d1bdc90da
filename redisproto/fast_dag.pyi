from .ai_dag_plan import Plan

class FastPlan: ...

class DagExecute:
    def __init__(self, plans: dict[int, Plan]) -> None: ...

def of_plan(plan: Plan, argv: list[bytes]) -> FastPlan | None:
    """What requests like this one need, or None: they always go the ordinary way."""
