"""`--vllm KEY=VALUE ...`: options of vLLM on the command line, with values as YAML. Pure."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import yaml

from engines import UsageError


def add_vllm_options(parser: ArgumentParser, about: str) -> None:
    """Lets a command line have them; what is given is a list.

    Args:
        parser: Of the command line.
        about: What they are for.
    """
    parser.add_argument("--vllm", nargs="+", default=[], metavar="KEY=VALUE", help=about)


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
