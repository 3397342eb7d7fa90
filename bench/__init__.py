"""Measurements: one module for each bench, with a function `measure() -> Result`."""
