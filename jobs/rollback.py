"""Make an earlier release current again."""

from penstock.cli import main

if __name__ == "__main__":
    main("rollback")
