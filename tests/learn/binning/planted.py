"""Columns that give the outcome away, to be planted among honest ones."""

import numpy as np
import pandas


def copies(is_bad, seed):
    """Return columns that give the outcome away, by name."""
    random = np.random.default_rng(seed)

    def noisy(share):
        return np.where(random.random(len(is_bad)) < share, 1 - is_bad, is_bad)

    n = len(is_bad)
    return pandas.DataFrame(
        {
            **{f"noisy {share:.0%}": noisy(share) for share in (0.01, 0.02, 0.03, 0.04, 0.05)},
            "other names": np.where(noisy(0.02) == 1, "written off", "repaid"),
            "of many values": is_bad * 3 + random.normal(0, 1, n),
            "one value for bads": np.where(is_bad & (random.random(n) < 0.7), 1.0, np.nan),
            "values for bads": np.where(
                is_bad & (random.random(n) < 0.5), random.random(n), np.nan
            ),
            "missing for bads": np.where(noisy(0.03) == 1, np.nan, random.random(n)),
            "zero for goods": np.where(is_bad & (random.random(n) < 0.6), random.random(n), 0.0),
            "days until it closed": np.where(
                is_bad, random.integers(60, 400, n), random.integers(300, 1100, n)
            ),
            "place in the file": 50 * is_bad + random.integers(0, 60, n),
            "last payment": np.where(is_bad, 10.0, 105.0) * random.random(n) + 5 * (1 - is_bad),
            "state": np.where(
                is_bad & (random.random(n) < 0.8),
                random.choice(["C7", "C9"], n),
                random.choice(["C1", "C2"], n),
            ),
            "mean outcome of pairs": is_bad.groupby(np.arange(n) // 2).transform("mean"),
        },
        index=is_bad.index,
    )
