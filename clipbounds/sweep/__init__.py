"""Grids, journal, resume, executors (threads, processes, Dask)."""
