"""The five-node graph as a Kedro project."""
