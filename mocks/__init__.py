"""Doubles of every outside party, each a program of its own; the product does not know them."""
