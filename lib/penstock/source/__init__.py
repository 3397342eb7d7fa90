"""The source of a function: which code of ours it reaches. Knows Python only."""
