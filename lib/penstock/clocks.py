"""Clocks: at which moment the value of a column becomes known."""

from collections.abc import Mapping, Sequence

from penstock.errors import did_you_mean

# In order of time: on the application, with the lender's decision, after it.
MOMENTS = ("application", "decision", "post")
APPLICATION, DECISION, POST = MOMENTS

# Moment to the columns known then; a name may end in `*`. All others are known at APPLICATION.
KnownAt = Mapping[str, Sequence[str]]


def clock_fault(known_at: KnownAt) -> str:
    """Say what is wrong with the clocks of a dataset, to follow "known_at"; empty: nothing."""
    for moment, names in known_at.items():
        if moment not in MOMENTS:
            near = did_you_mean(str(moment), MOMENTS)
            return f"names the moment '{moment}'.{near} Moments are {', '.join(MOMENTS)}."
        if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
            return f"has {names!r} for '{moment}'; it must be a list of columns, as [recoveries]."
        for name in names:
            if "*" in name[:-1]:
                return f"names '{name}'; a '*' stands at the end of a name only, as last_pymnt_*."
    return ""


def moment_of(column: str, known_at: KnownAt) -> str:
    """Return the latest moment declared for a column; APPLICATION if there is none."""
    found = [m for m, names in known_at.items() if any(_fits(column, name) for name in names)]
    return max(found, key=MOMENTS.index, default=APPLICATION)


def strange_names(known_at: KnownAt, columns: Sequence[str]) -> list[str]:
    """Say of each name, not pattern, that is none of a dataset's columns; no columns: unknown."""
    named = (name for names in known_at.values() for name in names)
    strange = (n for n in named if columns and not n.endswith("*") and n not in columns)
    return [
        f"names '{name}', which the table has no column for.{did_you_mean(name, columns)} "
        "A name that may be absent ends in '*'."
        for name in strange
    ]


def _fits(column: str, name: str) -> bool:
    return column == name or (name.endswith("*") and column.startswith(name[:-1]))
