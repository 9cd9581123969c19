"""Runs all benchmarks: `make bench`. Figures are ratios within one run, since machines differ and drift."""

from benchmarks import import_time, scheduling

if __name__ == "__main__":
    import_time.main()
    scheduling.main()
