"""Reasons: which of an applicant's features weigh against the application, and how much."""
