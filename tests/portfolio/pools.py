"""Portfolios made without Spark, loan by loan."""

import numpy as np

from penstock.portfolio.loss_cells import LossCells


def pool(pd, amounts, *, lgd=1.0, take_up=1.0, sector="s"):
    """Return the one cell of loans that share everything but their amounts."""
    exposure, lost = take_up * np.asarray(amounts), lgd * np.asarray(amounts)
    sums = (
        len(amounts),
        exposure.sum(),
        (exposure**2).sum(),
        (take_up * lost).sum(),
        (take_up * lost**2).sum(),
        ((take_up * lost) ** 2).sum(),
    )
    return LossCells(np.array([sector]), np.array([pd]), *(np.array([float(x)]) for x in sums))


def together(*cells):
    names = LossCells.__dataclass_fields__
    return LossCells(*(np.concatenate([getattr(each, name) for each in cells]) for name in names))
