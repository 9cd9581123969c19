"""What `import orchestrator` costs, against what pydantic alone costs."""

import subprocess
import sys
import time

REPEATS = 5


def seconds(module: str) -> float:
    """The fastest of some fresh interpreters."""
    return min(_once(module) for _ in range(REPEATS))


def _once(module: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def main() -> None:
    empty = seconds("sys")
    pydantic = seconds("pydantic.main") - empty
    ours = seconds("orchestrator") - empty
    print(
        f"import orchestrator: {ours:.3f} s, {ours / pydantic:.1f} x pydantic, "
        f"after {empty:.3f} s for the interpreter"
    )
