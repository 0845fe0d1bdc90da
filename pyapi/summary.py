"""``model.summary()``: layers, shapes, parameters; sizes as soon as they are known."""


def _shape(layer) -> str:
    if not layer.calls:
        return "?"
    shapes = [str(symbol.shape) for symbol in layer.calls[0].outputs]
    return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"


def _reads(call) -> list[str]:
    """What a call read, without the states that its layer keeps for itself."""
    return [s.name for s in call.inputs if not getattr(s.call.layer, "hidden", False)]


def rows(model) -> list[tuple[str, str, str]]:
    """(layer (class), output shape, parameters) of each layer."""
    return [
        (
            f"{layer.name} ({type(layer).__name__})",
            _shape(layer),
            f"{layer.count_params():,}" if model.built else "?",
        )
        for layer in model.layers
    ]


def totals(model) -> list[str]:
    if not model.built:
        return ["Not built yet: the input shape is not known"]
    layout, item = model.network.layout, model.network.dtype.itemsize
    fixed = layout.size - layout.trainable
    return [
        f"Total params: {layout.size:,} ({size_text(layout.size * item)})",
        f"Trainable params: {layout.trainable:,} ({size_text(layout.trainable * item)})",
        f"Non-trainable params: {fixed:,} ({size_text(fixed * item)})",
    ]


def size_text(count: float) -> str:
    """Bytes for people: 1.26 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.2f} {unit}"


def show(model, line_length=None, print_fn=None) -> None:
    """Print the table with rich, or line by line to ``print_fn``."""
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=False)
    for title, side in (("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")):
        table.add_column(title, justify=side)
    reads = [[_reads(call) for call in layer.calls] for layer in model.layers]
    connected = any(len(names) > 1 for calls in reads for names in calls)
    if connected:
        table.add_column("Connected to")
    for calls, row in zip(reads, rows(model), strict=True):
        names = ", ".join(name for call in calls for name in call) or "-"
        table.add_row(*row, *([names] if connected else []))
    console = Console(width=line_length, highlight=False)
    lines = [f'Model: "{model.name}"', table, *(f" {line}" for line in totals(model))]
    if print_fn is None:
        for line in lines:
            console.print(line, markup=False)
        return
    with console.capture() as captured:
        for line in lines:
            console.print(line, markup=False)
    for line in captured.get().splitlines():
        print_fn(line)
