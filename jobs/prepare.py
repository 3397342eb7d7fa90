"""Clean, check, label and split the loans and applications."""

from penstock.cli import main

if __name__ == "__main__":
    main("prepare")
