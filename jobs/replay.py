"""Run an earlier run again, on the same input versions."""

from penstock.cli import main

if __name__ == "__main__":
    main("replay")
