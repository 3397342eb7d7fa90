"""Credit lines: what is drawn of them by default, and what is owed then."""
