"""Score new applications by the champion."""

from penstock.cli import main

if __name__ == "__main__":
    main("score")
