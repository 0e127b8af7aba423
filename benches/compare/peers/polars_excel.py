"""Polars' Excel reader (fastexcel, which is calamine): prints the rows and columns of the first sheet."""

import sys

import polars

print(*polars.read_excel(sys.argv[1]).shape)
