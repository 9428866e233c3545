"""Helpers for all packages: files, the console, tables, seeds, signatures."""
