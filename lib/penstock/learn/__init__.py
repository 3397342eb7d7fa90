"""Estimators that turn a table of loans into a model of the probability of default."""
