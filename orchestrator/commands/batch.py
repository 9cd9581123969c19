"""`forkjoin batch`: many rows of a file, each answered, in the order of the file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import anyio

from engines import UsageError

from ..batch.backend import Backend, LocalBackend
from ..batch.batch_settings import BatchSettings
from ..batch.done_file import check_done, write_done
from ..batch.input_file import InputFile, Shard, read_input
from ..batch.output_files import OutputFiles
from ..batch.row import Finished
from ..batch.row_reader import read_rows
from ..batch.row_tally import RowTally
from ..batch.seen_ids import SeenIds
from ..batch.work_file import WorkFile
from ..batch.worker import check_settings
from ..errors import BatchUnusable
from ..progress import opening
from ..runs.job_progress import JobProgress
from ..runs.words import printable
from .call_options import add_calls
from .output import write
from .running import until_signal
from .thinking_options import add_thinking

_BACKENDS = ("local", "ray")


class BatchCommand:
    """Answers the rows of a file."""

    summary = "answer every row of a JSONL file, OpenAI's or {id, prompt}"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("input", metavar="IN.jsonl",
            help="rows as OpenAI's batch files have them, or {id, prompt} with what a /v1/completions body may have; "
            "other fields of these are yours, and ignored")  # fmt: skip
        add("-o", "--output", metavar="OUT.jsonl", required=True,
            help="where the answers go; what failed goes to OUT.errors.jsonl")  # fmt: skip
        add_thinking(parser, default="one call that says what the row says")
        add_calls(parser, default=True, counted="; each command counts anew")
        add("--shards", metavar="N/i", default="1/1",
            help="do the i-th of N parts only, into OUT.i-of-N.jsonl")  # fmt: skip
        add("--backend", metavar="NAME", default=_BACKENDS[0],
            help="local, or ray: the nodes of a running Ray cluster (default: local)")  # fmt: skip
        add("--actors", metavar="N", type=int,
            help="engines on the Ray cluster, among which a budget is split evenly; default: one for each GPU, or "
            "processor where it has no GPUs, or node for the URL of a server")  # fmt: skip
        add("--again", action="store_true", help="begin anew, whatever is finished")
        add("--dry-run", action="store_true",
            help="print the settings, how many rows there are, and the first prompt; nothing is answered")  # fmt: skip

    def run(self, arguments: argparse.Namespace) -> int:
        """Answers the rows; where some could not be answered, the exit code is 1."""
        settings = BatchSettings.kept(arguments)
        shard, source = Shard.named(arguments.shards), Path(arguments.input)
        files = OutputFiles.beside(shard.path(Path(arguments.output)))
        _check(arguments, settings, source, files)
        found = read_input(source)
        lines = shard.lines(found.lines)
        head = {
            "input": found.identity,
            "settings": settings.deciding | {"shards": str(shard)},
        }
        if arguments.dry_run:
            from .batch_dry_run import dry_run

            anyio.run(dry_run, arguments, settings, found, lines)
            return 0
        if not arguments.again and _is_finished(files, head):
            return int(files.errors.exists())
        _make_folder(files.answers)
        with WorkFile(files.work, lines, head, again=arguments.again) as work:
            # Another process may have finished it since.
            if not arguments.again and not work.done and _is_finished(files, head):
                work.remove()
                return int(files.errors.exists())
            out_of = _finish(arguments, settings, found, lines, work)
            files.write(work.in_order())
            if work.done == len(lines):
                write_done(files, head, work.engine)
                work.remove()
            _tell(arguments, work, len(lines), files, out_of)
            return int(work.counts["answered"] < len(lines))


def _check(
    arguments: argparse.Namespace, settings: BatchSettings, source: Path, files: OutputFiles
) -> None:
    """Refuses what makes no sense, before anything starts.

    Raises:
        UsageError: With what is wrong.
    """
    check_settings(settings)
    if arguments.backend not in _BACKENDS:
        raise UsageError(f"--backend {arguments.backend}: choose from {', '.join(_BACKENDS)}")
    if arguments.actors is not None and (arguments.actors < 1 or arguments.backend != "ray"):
        raise UsageError(f"--actors {arguments.actors}: give at least 1, with --backend ray")
    if arguments.backend == "ray" and not arguments.dry_run:
        from ..batch.ray_actors import check_cluster

        anyio.run(check_cluster)
    for path in files:
        if path.exists() and (not path.is_file() or (source.exists() and path.samefile(source))):
            raise UsageError(
                f"-o {files.answers}: {path} is {'the input' if path.is_file() else 'no file'}: choose another name"
            )


def _make_folder(output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"-o {output}: the folder {output.parent} cannot be made: {error.strerror or error}"
        ) from error


def _is_finished(files: OutputFiles, head: Mapping[str, Any]) -> bool:
    """Whether the output is there, as a finished batch has left it.

    Raises:
        BatchUnusable: There is an output, but not this batch's.
    """
    if files.work.exists() or not (
        files.answers.exists() or (files.errors.exists() and not files.done.exists())
    ):
        return False
    engine = check_done(files, head)
    by = f" by {printable(engine)}" if engine else ""
    write(f"{files.answers} is finished already{by}, nothing is done: --again begins anew")
    return True


def _finish(
    arguments: argparse.Namespace,
    settings: BatchSettings,
    source: InputFile,
    lines: range,
    work: WorkFile,
) -> str:
    """Finishes what is left; where it is stopped, it says how to go on. Returns what of the budget is used up."""
    if work.done == len(lines):
        return ""
    out_of = remark = ""
    progress = JobProgress()
    tally = RowTally(len(lines), done=work.done, failed=work.counts["failed"])

    def begin() -> None:
        progress.begin(tally)

    def finished(row: Finished) -> None:
        nonlocal out_of, remark
        if row.remark and not remark:
            remark = row.remark
            progress.say(remark)
        if row.out_of:
            out_of = row.out_of
            return
        work.add(row)
        tally.add(failed=row.end != "answered")
        progress.look()

    async def answer_all() -> None:
        rows = read_rows(source, lines, SeenIds(source.lines), work.is_done, finished)
        await _backend(arguments, settings, begin, progress.say).run(rows, finished)

    try:
        # What engines print must not get between the answer and who reads it.
        with redirect_stdout(sys.stderr), progress:
            if arguments.backend == "local":
                progress.say(opening(arguments.engine, arguments.model))
            anyio.run(until_signal, answer_all)
    except BaseException:
        if work.counts.total():
            sys.stderr.write(
                f"{work.done:,} of {len(lines):,} rows are done: {_same(arguments)} goes on\n"
            )
        else:
            work.remove()
        raise
    if work.counts.total() < len(lines) and not out_of:
        raise BatchUnusable(
            f"{source.path} has lost lines since the batch began: begin anew with --again"
        )
    return out_of


def _backend(
    arguments: argparse.Namespace,
    settings: BatchSettings,
    opened: Callable[[], object],
    say: Callable[[str], object],
) -> Backend:
    if arguments.backend == "ray":
        from ..batch.ray_backend import RayBackend

        return RayBackend(settings, actors=arguments.actors, opened=opened, say=say)
    return LocalBackend(settings, opened=opened)


def _same(arguments: argparse.Namespace) -> str:
    return f"the same command{' without --again' if arguments.again else ''}"


def _tell(
    arguments: argparse.Namespace, work: WorkFile, total: int, files: OutputFiles, out_of: str
) -> None:
    counts = work.counts
    write(f"{counts['answered']:,} of {total:,} rows answered: {files.answers}")
    failed = counts["failed"] + counts["unavailable"]
    if failed:
        write(f"{failed:,} failed: {files.errors}")
    if out_of:
        write(
            f"{total - work.done:,} are left, since the budget ran out of {out_of}: {_same(arguments)} goes on, "
            f"and its budget counts anew"
        )
    elif counts["unavailable"]:
        write(
            f"{counts['unavailable']:,} of them may succeed later: {_same(arguments)} tries them again"
        )


command = BatchCommand()
