"""`forkjoin report`: evaluations as one page, or as Markdown or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.commands.output import write

from ..evaluation.evaluation import Evaluation
from ..evaluation.reading import evaluations_in, not_begun, read_evaluation
from ..report.contents import Measured, contents_of
from ..report.markdown import markdown
from ..report.measuring import measure, report_data, reportable
from ..report.report_file import REPORT, default_place
from .named_evaluation import evaluation_folder

_STANDARD_OUTPUT = "-"


class ReportCommand:
    """Writes reports."""

    summary = "write evaluations as one HTML page: figures, plots, samples"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        help_runs = (
            "the folder of an evaluation, or of a sweep, which means all that are in it; or last"
        )
        add("runs", metavar="RUN", nargs="+", type=Path, help=help_runs)
        help_out = (
            "the file (default: report.html in RUN, or here if there are several RUNs); - prints"
        )
        add("-o", "--output", metavar="FILE", help=help_out)
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--markdown", action="store_true", help="print the figures as Markdown")
        form.add_argument(
            "--json", action="store_true", help="print the figures as one JSON object"
        )

    def run(self, arguments: argparse.Namespace) -> int:
        """Writes the report, and where it is."""
        arguments.runs = [evaluation_folder(run) for run in arguments.runs]
        evaluations, left_out = reportable(list(_evaluations(arguments.runs)))
        left_out += [
            f"{folder} is not begun: forkjoin eval makes it when it is given its sweep again"
            for run in arguments.runs
            for folder in not_begun(run)
        ]
        place = _place(arguments)
        if place is not None:
            REPORT.check(place)
        text = _report(arguments, measure(evaluations), left_out)
        for line in left_out:
            sys.stderr.write(f"left out: {line}\n")
        if place is None:
            write(text.rstrip("\n"))
        else:
            REPORT.write(place, text)
            sys.stderr.write(f"the report is {place}\n")
        return 0


command = ReportCommand()


def _place(arguments: argparse.Namespace) -> Path | None:
    """The file to write; None where it goes to standard output."""
    if arguments.output is not None:
        return None if arguments.output == _STANDARD_OUTPUT else Path(arguments.output)
    return None if arguments.markdown or arguments.json else default_place(arguments.runs)


def _evaluations(runs: Sequence[Path]) -> Iterator[Evaluation]:
    # Whoever names a sweep and one of its systems means it once.
    paths = dict.fromkeys(path.resolve() for run in runs for path in evaluations_in(run))
    return (read_evaluation(path) for path in paths)


def _report(
    arguments: argparse.Namespace, measured: Sequence[Measured], left_out: Sequence[str]
) -> str:
    if arguments.json:
        return json.dumps(report_data(measured, left_out), ensure_ascii=False) + "\n"
    contents = contents_of(measured, left_out)
    if arguments.markdown:
        return markdown(contents)
    # The template's library is imported on use.
    from ..report.page import page

    return page(contents)
