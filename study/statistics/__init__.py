"""Numerical engines on arrays and frames; the analyses call them."""
