"""Stage the book and set its expected credit loss, allowance and capital, by the champions."""

from penstock.cli import main

if __name__ == "__main__":
    main("assess")
