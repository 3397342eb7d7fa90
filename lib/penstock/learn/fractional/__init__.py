"""Fractional logits: models of a share such as LGD or CCF, from typed columns."""
