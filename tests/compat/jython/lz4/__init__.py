"""The package `lz4`, of which clients use `lz4.frame`."""
