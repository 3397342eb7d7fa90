"""Tuning: settings are searched for by what models they make of loans left out of their fit."""
