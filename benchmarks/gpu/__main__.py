"""python -m benchmarks.gpu --part NAME ... [--model FOLDER | --shape qwen3-8b] [--out FOLDER]."""

import sys

from benchmarks.gpu.catalogue import PARTS
from benchmarks.gpu.command import measure

if __name__ == "__main__":
    measure(sys.argv[1:], PARTS)
