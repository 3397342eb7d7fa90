"""Books with known truth: loans, payments and applications drawn from row numbers."""
