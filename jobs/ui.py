"""Serve MLflow's pages: runs, models and their way to champion."""

from penstock.cli import main

if __name__ == "__main__":
    main("ui")
