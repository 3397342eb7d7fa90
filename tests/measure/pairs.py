"""Measures by all pairs of a bad and a good, one by one."""


def delong_by_pairs(scores, labels):
    """The covariance of DeLong et al. (1988), equations 3 and 4, over all pairs."""
    bad, good = scores[labels == 1], scores[labels == 0]
    psi = (bad[:, None] > good) + 0.5 * (bad[:, None] == good)
    return psi.mean(axis=1).var(ddof=1) / len(bad) + psi.mean(axis=0).var(ddof=1) / len(good)
