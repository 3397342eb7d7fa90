"""Fit the PD model on the prepared loans."""

from penstock.cli import main

if __name__ == "__main__":
    main("train")
