"""Where each work buffer lies: one arena, places reused as soon as nobody reads them again."""

ALIGNMENT = 16  # numbers: 64 bytes of float32


class Scratch:
    """A buffer only the lowered program has: turned externals, workspaces, packed weights."""

    def __init__(self, space: str, columns: int, rows: bool = True, offset: int = 0):
        self.space, self.columns, self.rows, self.offset = space, columns, rows, offset
        self.times = 1


def plan(lifetimes: dict, sizes: dict) -> tuple[dict, int]:
    """Offsets of buffers by first fit.

    lifetimes: buffer -> (first step, last step), both included; sizes: buffer -> numbers.
    Returns buffer -> offset, and the length of the arena.
    """
    offsets: dict = {}
    total = 0
    for buffer, (first, last) in sorted(lifetimes.items(), key=lambda item: item[1]):
        size = -(-sizes[buffer] // ALIGNMENT) * ALIGNMENT
        taken = sorted(
            (offsets[other], offsets[other] + -(-sizes[other] // ALIGNMENT) * ALIGNMENT)
            for other in offsets
            if lifetimes[other][0] <= last and first <= lifetimes[other][1]
        )
        offset = 0
        for start, end in taken:
            if offset + size <= start:
                break
            offset = max(offset, end)
        offsets[buffer] = offset
        total = max(total, offset + size)
    return offsets, total
