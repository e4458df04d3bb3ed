"""Benchmarks: a ledger generator and side-by-side measurements. `make bench` runs `run.py`; see README.md."""
