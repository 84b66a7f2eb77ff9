"""Measured speed: each section prints ratios to a peer or a bare operation in the same run, CPU time, medians."""
