"""List the releases: who, when, what changed and why."""

from penstock.cli import main

if __name__ == "__main__":
    main("history")
