"""Scenarios run in numbers: which ones, on which targets, side by side, and what came out."""
