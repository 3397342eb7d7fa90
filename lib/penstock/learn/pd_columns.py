"""Columns that every PD model has to do with: what it is fitted by, and what it adds."""

LABEL = "is_bad"  # 1 = bad, 0 = good
SAMPLE = "sample"  # which rows it is fitted and calibrated on
PD = "pd"
