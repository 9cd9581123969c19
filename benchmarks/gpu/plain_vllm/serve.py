"""`vllm serve` by itself: vLLM's command line also imports every other command, and what these need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def serve(arguments: Sequence[str]) -> None:
    """Serves until it is asked to end.

    Args:
        arguments: As those of `vllm serve`.
    """
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    command = ServeSubcommand()
    commands = argparse.ArgumentParser().add_subparsers(parser_class=FlexibleArgumentParser)
    parsed = command.subparser_init(commands).parse_args(arguments)
    command.validate(parsed)
    command.cmd(parsed)


if __name__ == "__main__":
    serve(sys.argv[1:])
