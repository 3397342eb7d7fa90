"""How good scores are: all metrics from one table of counts by score."""
