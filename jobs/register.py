"""Make the measured model the candidate."""

from penstock.cli import main

if __name__ == "__main__":
    main("register")
