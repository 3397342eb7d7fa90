"""Keys of the configuration: the steps that lead to a value, and how an error names it."""

Step = str | int
Steps = tuple[Step, ...]


def key_text(steps: Steps) -> str:
    """Return the name of the value that these keys, and places in lists, lead to: "a.b[1].c"."""
    first, *rest = steps
    return str(first) + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in rest)
