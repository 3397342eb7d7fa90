"""Lending: what a loan, an application, a label and a feature are. Functions on tables only."""
