"""Runs all benchmarks: `make bench`. Figures are ratios within one run, since machines differ and drift."""

import anyio

from benchmarks import import_time, scheduling

if __name__ == "__main__":
    import_time.main()
    anyio.run(scheduling.main)
