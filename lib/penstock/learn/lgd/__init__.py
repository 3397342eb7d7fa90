"""LGD models: what share of the exposure a defaulted loan loses, from typed columns."""
