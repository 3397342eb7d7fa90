"""Audit what was decided: which groups are approved less, or pay more for the same risk."""

from penstock.cli import main

if __name__ == "__main__":
    main("audit")
