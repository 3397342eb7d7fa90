"""Spark ML jobs as one typed data-flow graph, from raw table to decision."""
