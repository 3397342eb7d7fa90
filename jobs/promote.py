"""Make the challenger champion of its kind if it has earned it."""

from penstock.cli import main

if __name__ == "__main__":
    main("promote")
