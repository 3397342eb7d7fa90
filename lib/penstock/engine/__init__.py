"""The engine: a typed data-flow graph, its plan, its run and its releases. It knows no domain."""
