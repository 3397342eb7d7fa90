"""Texts that applicants wrote, as a feature of a PD model."""
