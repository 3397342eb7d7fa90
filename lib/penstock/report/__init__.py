"""Pages and figures for people, from plain values: nothing here reads a table or starts Spark."""
