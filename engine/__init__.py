"""The numerical engine: Spec -> Program -> Executor (see docs/architecture.md)."""

if __name__ != "respnet.engine":
    raise ImportError("this folder is the package respnet.engine; run: import respnet.engine")
