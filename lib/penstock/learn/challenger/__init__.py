"""Challengers: other trainers than the scorecard's, on its features and behind the same PD."""
