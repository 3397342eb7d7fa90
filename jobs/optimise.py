"""Choose which offers to make, under limits on all of them together, and prove how good that is."""

from penstock.cli import main

if __name__ == "__main__":
    main("optimise")
