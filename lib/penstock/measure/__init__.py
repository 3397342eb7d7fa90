"""How good scores and decisions are, and how steady: every measure from grouped counts."""
