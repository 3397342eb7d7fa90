"""Optimal binning and weight of evidence, exact at any number of rows."""
