"""Intervals and tests, pure functions of numbers."""
