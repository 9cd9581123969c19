"""`forkjoin batch`: many rows of a file, each answered, in the order of the file."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path

import anyio

from engines import UsageError

from ..batch.backend import Backend, LocalBackend
from ..batch.batch_settings import BatchSettings
from ..batch.input_file import InputFile, Shard, read_input
from ..batch.output_files import OutputFiles
from ..batch.row import Finished
from ..batch.row_reader import read_rows
from ..batch.seen_ids import SeenIds
from ..batch.work_file import WorkFile
from ..batch.worker import check_settings
from ..progress import opening
from ..runs.job_progress import JobProgress
from .call_options import add_calls
from .output import write
from .running import until_signal
from .thinking_options import add_thinking

_BACKENDS = ("local", "ray")


class BatchCommand:
    """Answers the rows of a file."""

    summary = "answer every row of a JSONL file: OpenAI's batch format, or {id, prompt}"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("input", metavar="IN.jsonl")
        add("-o", "--output", metavar="OUT.jsonl", required=True,
            help="where the answers go; what failed goes to OUT.errors.jsonl")  # fmt: skip
        add_thinking(parser, default="one call that says what the row says")
        add_calls(parser, default=True)
        add("--shards", metavar="N/i", default="1/1",
            help="do the i-th of N parts only, into OUT.i-of-N.jsonl")  # fmt: skip
        add("--backend", metavar="NAME", default=_BACKENDS[0],
            help="local, or ray: the nodes of a running Ray cluster (default: local)")  # fmt: skip
        add("--actors", metavar="N", type=int,
            help="engines on the Ray cluster, among which a budget is split evenly; default: one for each GPU, or "
            "processor where it has no GPUs, or node for the URL of a server")  # fmt: skip
        add("--again", action="store_true", help="begin anew, whatever is finished")

    def run(self, arguments: argparse.Namespace) -> int:
        """Answers the rows; where some could not be answered, the exit code is 1."""
        settings = BatchSettings.kept(arguments)
        shard, source = Shard.named(arguments.shards), Path(arguments.input)
        files = OutputFiles.beside(shard.path(Path(arguments.output)))
        _check(arguments, settings, source, files)
        if files.answers.exists() and not files.work.exists() and not arguments.again:
            write(f"{files.answers} is there already, nothing is done: --again begins anew")
            return 0
        found = read_input(source)
        lines = shard.lines(found.lines)
        head = {
            "input": found.identity,
            "settings": settings.deciding | {"shards": str(shard)},
        }
        with WorkFile(files.work, lines, head, again=arguments.again) as work:
            _finish(arguments, settings, found, lines, work)
            files.write(work.in_order())
            if not work.counts["unavailable"]:
                work.remove()
            _tell(work, len(lines), files)
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
    if not files.answers.parent.is_dir():
        raise UsageError(f"-o {files.answers}: there is no folder {files.answers.parent}")
    for path in files:
        if path.exists() and (not path.is_file() or (source.exists() and path.samefile(source))):
            raise UsageError(
                f"-o {files.answers}: {path} is {'the input' if path.is_file() else 'no file'}: choose another name"
            )


def _finish(
    arguments: argparse.Namespace,
    settings: BatchSettings,
    source: InputFile,
    lines: range,
    work: WorkFile,
) -> None:
    """Finishes what is left; where it is stopped, it says how to go on."""
    if work.done == len(lines):
        return
    progress = JobProgress(len(lines), "rows", done=work.done, failed=work.counts["failed"])

    def finished(row: Finished) -> None:
        work.add(row)
        progress.advance(failed=row.end != "answered")

    async def answer_all() -> None:
        rows = read_rows(source, lines, SeenIds(source.lines), work.is_done, finished)
        await _backend(arguments, settings, progress).run(rows, finished)

    try:
        # What engines print must not get between the answer and who reads it.
        with redirect_stdout(sys.stderr), progress:
            progress.say(opening(arguments.engine, arguments.model))
            anyio.run(until_signal, answer_all)
    except BaseException:
        if work.counts.total():
            sys.stderr.write(
                f"{work.done:,} of {len(lines):,} rows are done: the same command goes on\n"
            )
        else:
            work.remove()
        raise


def _backend(
    arguments: argparse.Namespace, settings: BatchSettings, progress: JobProgress
) -> Backend:
    if arguments.backend == "ray":
        from ..batch.ray_backend import RayBackend

        return RayBackend(
            settings, actors=arguments.actors, opened=progress.begin, say=progress.say
        )
    return LocalBackend(settings, opened=progress.begin)


def _tell(work: WorkFile, total: int, files: OutputFiles) -> None:
    counts = work.counts
    write(f"{counts['answered']:,} of {total:,} rows answered: {files.answers}")
    failed = counts["failed"] + counts["unavailable"]
    if failed:
        write(f"{failed:,} failed: {files.errors}")
    if counts["unavailable"]:
        write(
            f"{counts['unavailable']:,} of them may succeed later: the same command tries them again"
        )


command = BatchCommand()
