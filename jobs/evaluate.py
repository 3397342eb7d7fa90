"""Measure the PD model on loans it has not seen."""

from penstock.cli import main

if __name__ == "__main__":
    main("evaluate")
