"""Columns that every PD model has to do with: what it is fitted by, and what it adds."""

LABEL = "is_bad"  # 1 = bad, 0 = good
SAMPLE = "sample"  # which rows it is fitted and calibrated on
PD = "pd"
WEIGHT = "sample_weight"  # what a row counts for in a fit, if not for one

# Exact sums: those of doubles would depend on the order of the rows.
WEIGHT_TYPE = "decimal(18,6)"
