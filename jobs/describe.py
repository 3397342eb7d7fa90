"""Show the graph as text or Mermaid."""

from penstock.cli import main

if __name__ == "__main__":
    main("describe")
