"""Decide on scored applications by the policy in force."""

from penstock.cli import main

if __name__ == "__main__":
    main("decide")
