"""Side-by-side benchmarks: every figure is a ratio against something measured in the same run, next to its limit."""
