"""Per-sample clipping (Nobile and Grohs 2026, arXiv 2605.02701): this project's theorems for the paper's estimator."""
