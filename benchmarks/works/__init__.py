"""One file for each group of works; `benchmarks.work` lists them."""
