"""Run the whole graph and publish its outputs as one release."""

from penstock.cli import main

if __name__ == "__main__":
    main("run")
