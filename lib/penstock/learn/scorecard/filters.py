"""Which WoE columns may enter a scorecard, by what one pass over all of them has told."""

from collections.abc import Sequence

from penstock.learn.scorecard.moments import ColumnMoments


def filter_columns(
    moments: ColumnMoments,
    *,
    iv_floor: float,
    max_correlation: float,
    max_vif: float,
    forced: Sequence[str],
    forbidden: Sequence[str],
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Leave out columns that say too little, or what others say better.

    In this order: forbidden columns; constant ones; those with an information value below the
    floor; of two columns with a correlation beyond the limit the one with the lower information
    value; and, until no variance inflation is beyond its limit, the column with the lowest
    information value among those beyond it. A forced column is preferred to any other, and left out
    only if it is constant.

    Args:
        moments: Of all columns.
        iv_floor: Least information value.
        max_correlation: Greatest absolute correlation of two columns, 0-1.
        max_vif: Greatest variance inflation factor, >= 1.
        forced: Columns to keep.
        forbidden: Columns to leave out.

    Returns:
        The columns kept, by falling information value (forced ones first; ties by name), and the
        reason for each column left out.
    """
    iv = dict(zip(moments.columns, moments.iv.tolist(), strict=True))
    reasons = {name: "forbidden by configuration" for name in moments.columns if name in forbidden}
    ranked = sorted(iv, key=lambda name: (name not in forced, -iv[name], name))
    kept: list[str] = []
    varies = dict(zip(moments.columns, moments.varies.tolist(), strict=True))
    for name in (n for n in ranked if n not in reasons):
        if not varies[name]:
            reasons[name] = "its WoE is the same for all loans"
        elif name in forced:
            kept.append(name)
        elif iv[name] < iv_floor:
            reasons[name] = f"information value {iv[name]:.4f} is below {iv_floor:g}"
        elif alike := _alike(moments, name, kept, max_correlation):
            reasons[name] = alike
        else:
            kept.append(name)
    while removed := _most_inflated(moments, kept, forced, max_vif):
        name, vif = removed
        kept.remove(name)
        reasons[name] = f"variance inflation {vif:.1f} is above {max_vif:g}"
    return tuple(kept), reasons


def _alike(moments: ColumnMoments, name: str, kept: list[str], limit: float) -> str:
    of_name = moments.correlation[moments.columns.index(name)]
    for other in kept:
        correlation = of_name[moments.columns.index(other)]
        if abs(correlation) > limit:
            return f"correlation {correlation:+.3f} with {other}, which tells more"
    return ""


def _most_inflated(
    moments: ColumnMoments, kept: list[str], forced: Sequence[str], limit: float
) -> tuple[str, float] | None:
    factors = zip(kept, moments.vif(tuple(kept)).tolist(), strict=True)
    inflated = [(name, vif) for name, vif in factors if vif > limit and name not in forced]
    return inflated[-1] if inflated else None
