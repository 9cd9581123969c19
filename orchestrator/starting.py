"""How an agent's runs begin: anew, again from their folder, or inside a node of another run."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from engines import UsageError

from .agent_settings import AgentSettings
from .errors import OutputFailed, RunDeferred
from .events import EventBus
from .history import HISTORY_FILE, History, check_history, read_history
from .journal import keep_results
from .nesting import Outer, depth_of_next_run
from .resources import Resources
from .resuming import check_nodes, check_same, given_results, raised_limits
from .run import Run
from .run_options import CommonOptions, ResumeOptions, RunOptions, check_options
from .run_result import RunResult
from .runs.run_files import RunFiles, new_files, reopened_files
from .runs.run_folder import held
from .tools.definition import check_dependencies

_EXCHANGES = "exchanges_before"


@dataclass(frozen=True, kw_only=True)
class Starter:
    """Begins runs; `Agent` says what may be given and what goes wrong.

    Attributes:
        settings: What the agent is made of.
        dependencies: What tools get, unless a run has its own.
        runs: The folder for run folders; None writes none.
        journal_dir: The folder for journals; None puts each into its run folder.
    """

    settings: AgentSettings
    dependencies: Any
    runs: str | Path | None
    journal_dir: str | Path | None

    def returning(self, output_type: Any) -> Starter:
        """The same with another output type; None keeps what is there."""
        return replace(self, settings=self.settings.returning(output_type))

    async def begin(
        self, question: str, options: RunOptions, *, tells_answer: bool = False
    ) -> RunResult[Any]:
        """Runs a question to its result; where `tells_answer`, its text is told while it comes."""
        check_question(question)
        check_options(options, RunOptions.__optional_keys__)
        history = options.get("history")
        if history is not None:
            check_history(history, self.settings.engine)
        depth = self._check(options)
        make = partial(
            self._make, question, options, depth, history=history, tells_answer=tells_answer
        )
        if self.runs is None:
            self._check_deferral("give Agent(runs=...), where the run waits for them")
            return await make().to_end()
        async with new_files(
            self.runs,
            self.journal_dir,
            self._configuration(question, options),
            fingerprint=self.settings.engine.fingerprint,
            clock=anyio.current_time,
        ) as files:
            if history is not None:
                files.folder.write_json(HISTORY_FILE, history.to_data())
            return await _with_files(make(files=files), files)

    async def resume(
        self, path: Path, options: ResumeOptions, *, tells_answer: bool = False
    ) -> RunResult[Any]:
        """Goes on with the run in a folder; where `tells_answer`, its text is told while it comes."""
        check_options(options, ResumeOptions.__optional_keys__)
        # Only a resume reads runs back, and that takes a tenth of the import of all the rest.
        from .runs.run_record import RunReader

        settings, repeat = self.settings, options.get("repeat", ())
        with held(path) as lock:
            begun = RunReader(path).read()
            given = given_results(begun, options.get("results", {}))
            check_same(begun, settings)
            check_nodes(begun, repeat)
            depth = self._check(options)
            history = read_history(path, begun.configuration.get(_EXCHANGES))
            async with reopened_files(
                path,
                lock,
                begun.configuration.get("journal_dir"),
                fingerprint=settings.engine.fingerprint,
                clock=anyio.current_time,
                raised=raised_limits(begun, settings),
            ) as files:
                await keep_results(files.journal, given)
                # The limits of now are what the next resume has to raise.
                notes = options.get("notes") or {}
                now = {**begun.configuration, **settings.limits(), **notes}
                files.folder.write_configuration(now)
                run = self._make(
                    begun.question,
                    options,
                    depth,
                    history=history,
                    files=files,
                    repeat=repeat,
                    tells_answer=tells_answer,
                )
                run.resumed = True
                return await _with_files(run, files)

    async def inside(self, outer: Outer, question: str) -> RunResult[Any]:
        """Runs a question inside a node of another run, with whose dependencies and approval where it has none."""
        check_question(question)
        self._check_deferral("inside of another run it cannot stop to wait for them")
        options: RunOptions = {}
        if self.dependencies is None:
            options["dependencies"] = outer.dependencies
        depth = self._check(options)
        result = await self._make(question, options, depth, outer=outer).to_end()
        outer.critical_path += result.critical_path
        return result

    def _check(self, options: CommonOptions) -> int:
        """Refuses what cannot be run, before it leaves anything; returns how many runs it is inside of."""
        check_dependencies(self.settings.tools.values(), self._dependencies(options))
        return depth_of_next_run()

    def _check_deferral(self, why: str) -> None:
        deferred = [name for name, tool in self.settings.tools.items() if tool.deferred]
        if deferred:
            raise UsageError(
                f"calls of {', '.join(deferred)} are made by whoever runs the agent: {why}"
            )

    def _dependencies(self, options: CommonOptions) -> Any:
        given = options.get("dependencies")
        return self.dependencies if given is None else given

    def _configuration(self, question: str, options: RunOptions) -> dict[str, Any]:
        history = options.get("history")
        return {
            "question": question,
            **self.settings.describe(),
            **self.settings.limits(),
            **({} if history is None else {_EXCHANGES: len(history.exchanges)}),
            **(options.get("notes") or {}),
        }

    def _make(
        self,
        question: str,
        options: CommonOptions,
        depth: int,
        *,
        history: History | None = None,
        files: RunFiles | None = None,
        outer: Outer | None = None,
        repeat: Collection[str] = (),
        tells_answer: bool = False,
    ) -> Run:
        writers = () if files is None else (files.folder.write,)
        subscribers = (*writers, *options.get("subscribers", ()))
        resources = Resources(
            settings=self.settings,
            question=question,
            bus=EventBus(anyio.current_time, subscribers),
            name=os.urandom(8).hex() if files is None else files.folder.path.name,
            journal=None if files is None else files.journal,
            repeat=repeat,
            live=options.get("live", False),
            dependencies=self._dependencies(options),
            outer=outer,
            depth=depth,
        )
        return Run(
            resources=resources,
            folder=None if files is None else files.folder.path,
            history=history,
            tells_answer=tells_answer,
        )


async def _with_files(run: Run, files: RunFiles) -> RunResult[Any]:
    try:
        result = await run.to_end()
    except OutputFailed as error:
        # What came before it is finished all the same.
        files.write_result(error.result)
        raise
    except RunDeferred:
        # What it has spent counts when it is gone on with.
        files.journal.flush()
        raise
    files.write_result(result)
    return result


def check_question(question: str) -> None:
    """Refuses what is no question.

    Raises:
        UsageError: It is empty, or no text.
    """
    if not question.strip():
        raise UsageError("the question is empty: say what is to be answered")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"the question is no text ({error}): write it in UTF-8") from None
