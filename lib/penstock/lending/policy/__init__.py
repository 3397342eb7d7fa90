"""Policies: decision tables in YAML, checked when read, computed by Spark and by plain Python."""
