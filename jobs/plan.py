"""Say what a run would do, without reading data."""

from penstock.cli import main

if __name__ == "__main__":
    main("plan")
