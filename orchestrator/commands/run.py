"""`forkjoin run`: one question, planned, carried out and answered."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout

import anyio

from engines import UsageError

from ..runs.run_folder import check_runs
from ..starting import check_question
from .dry_run import dry_run
from .options import add_options, check_options, check_tools_called, kept_options, question_of
from .running import carry_out


class RunCommand:
    """Answers a question."""

    summary = "answer a question: plan it, run parts side by side, merge"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("question", metavar="QUESTION", nargs="?")
        add_options(parser)
        add("--out", metavar="DIR", default="runs", help="where run folders go (default: runs)")
        add("--journal-dir", metavar="DIR",
            help="where journals go, if not into the run folders: on a local disk")  # fmt: skip
        add("--json", action="store_true", help="one JSON object on stdout, the rest on stderr")
        add("--dry-run", action="store_true",
            help="show what would run and the first prompt, without an engine")  # fmt: skip

    def run(self, arguments: argparse.Namespace) -> int:
        """Runs the question to its answer."""
        question = arguments.question = question_of(arguments)
        if question is None:
            raise UsageError('the question is missing: write forkjoin run "QUESTION"')
        check_question(question)
        check_options(arguments)
        if arguments.plan is None:
            check_tools_called(arguments.planner, tools=arguments.tools, mcp=arguments.mcp)
        if arguments.dry_run:
            with redirect_stdout(sys.stderr):
                anyio.run(dry_run, arguments)
            return 0
        check_runs(arguments.out)
        notes = {"command": kept_options(arguments)}
        return carry_out(
            arguments,
            lambda agent, subscribers, live: agent.run(
                question, subscribers=subscribers, live=live, notes=notes
            ),
        )


command = RunCommand()
