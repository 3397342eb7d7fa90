"""Assess the book by the champions: stages, credit loss, allowance, capital; of lines, exposure."""

from penstock.cli import main

if __name__ == "__main__":
    main("assess")
