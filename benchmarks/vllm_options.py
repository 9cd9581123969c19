"""`--vllm KEY=VALUE ...`: options of vLLM on the command line, with values as YAML. Pure."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from engines import UsageError

# What says which graphs are captured.
_GRAPHS = frozenset({"cudagraph_capture_sizes", "compilation_config"})


def add_vllm_options(parser: ArgumentParser, about: str) -> None:
    """Lets a command line have them; what is given is a list.

    Args:
        parser: Of the command line.
        about: What they are for.
    """
    parser.add_argument("--vllm", nargs="+", default=[], metavar="KEY=VALUE", help=about)


def at_once_on_a_gpu(given: Mapping[str, Any], calls: int) -> dict[str, Any]:
    """Options beside those that are given, so that so many calls run at once, each step in a captured graph.

    By default vLLM runs no more than 256 on a GPU of less than 70 GiB, and captures graphs for 512 at the most.

    >>> at_once_on_a_gpu({"dtype": "float16"}, 1024)
    {'max_num_seqs': 1024, 'max_cudagraph_capture_size': 1024, 'dtype': 'float16'}
    >>> at_once_on_a_gpu({"cudagraph_capture_sizes": [1, 8]}, 1024)
    {'max_num_seqs': 1024, 'cudagraph_capture_sizes': [1, 8]}
    """
    most = given.get("max_num_seqs", calls)
    own = {"max_num_seqs": most, "max_cudagraph_capture_size": most}
    if not _GRAPHS.isdisjoint(given):
        # vLLM refuses to be told both.
        del own["max_cudagraph_capture_size"]
    return {**own, **given}


def vllm_options(given: Sequence[str]) -> dict[str, Any]:
    """Options by their names: `max_num_seqs=64` is a number.

    Raises:
        UsageError: One has no name, or no value of YAML.
    """
    options = {}
    for item in given:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise UsageError(f"--vllm {item}: write KEY=VALUE, such as max_num_seqs=64")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            why = " ".join(str(error).split())
            raise UsageError(f"--vllm {item}: the value is no YAML: {why}") from error
    return options
