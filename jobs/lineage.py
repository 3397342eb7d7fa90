"""Say which raw columns feed a column, and what it feeds."""

from penstock.cli import main

if __name__ == "__main__":
    main("lineage")
