"""Portfolios: which offers and assets to take under limits, and what they may lose together."""
