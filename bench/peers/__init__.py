"""The same five-node graph in other tools, and what each of them does with it."""
