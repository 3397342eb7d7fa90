"""Make the candidate the champion if the gate lets it pass."""

from penstock.cli import main

if __name__ == "__main__":
    main("deploy")
