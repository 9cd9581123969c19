"""`forkjoin plan`: what a question would be split into, and what that would take, without carrying it out."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout

import anyio

from engines import Sampling, UsageError
from planners import Plan
from reasoning import METHODS, REDUCERS, method_named, reducer_named

from ..forecasting.forecast import Forecaster, with_configurations
from ..forecasting.method_shape import shape_of
from ..forecasting.rates import Rates, with_given_rates
from ..planning import Preview
from ..runs.measured_rates import measured_rates
from ..runs.run_search import run_folders
from ..starting import check_question
from .call_options import budget_of
from .options import add_options, agent_options, check_options, check_tools_called, question_of
from .plan_output import PlanOutput
from .running import with_agent
from .settings import Settings
from .tool_sources import opened_servers


class PlanCommand:
    """Shows plans."""

    summary = "plan a question and show the plan, and what it would take"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the arguments."""
        add = parser.add_argument
        add("question", metavar="QUESTION", nargs="?")
        add_options(parser)
        add("--simulate", action="store_true",
            help="tell what carrying it out would take: seconds, tokens, the critical path")  # fmt: skip
        add("--rates", metavar="LIST",
            help="in place of what earlier runs took: seconds_per_token=0.02,tool.search=0.8")  # fmt: skip
        add("--out", metavar="DIR", default="runs",
            help="the folder of earlier runs, whose rates are taken (default: runs)")  # fmt: skip
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true",
            help="a plan file, for --plan; with --simulate an object that holds one")  # fmt: skip
        shape.add_argument("--mermaid", action="store_true", help="a Mermaid flowchart")
        parser.set_defaults(journal_dir=None)

    def run(self, arguments: argparse.Namespace) -> int:
        """Plans, where there is no plan yet, and shows what came out."""
        question = question_of(arguments)
        if question is None and arguments.plan is None:
            raise UsageError(
                'the question is missing: write forkjoin plan "QUESTION", or give a plan with --plan FILE'
            )
        if question is not None:
            check_question(question)
        check_options(arguments)
        if arguments.plan is None:
            check_tools_called(arguments.planner, tools=arguments.tools, mcp=arguments.mcp)
        _check_rates(arguments)
        if arguments.plan is not None or arguments.planner == _ASKS_NO_MODEL:
            with redirect_stdout(sys.stderr):
                given = anyio.run(_given, arguments)
            plan = given if question is None else given.model_copy(update={"question": question})
            _write(arguments, plan, None)
            return 0
        asked = question or ""
        return with_agent(
            arguments,
            lambda agent, subscribers, live: agent.plan(asked, subscribers=subscribers),
            lambda made: _write(arguments, made.plan, made),
        )


command = PlanCommand()

# The planner that has its plan without a model, for which no engine has to start.
_ASKS_NO_MODEL = "single"


def _check_rates(arguments: argparse.Namespace) -> None:
    if arguments.rates is not None:
        if not arguments.simulate:
            raise UsageError("--rates is for --simulate: give both")
        with_given_rates(Rates(), arguments.rates)


async def _given(arguments: argparse.Namespace) -> Plan:
    """The plan that is there already, checked; no engine is opened for it, and no tool is called."""
    async with opened_servers(arguments.mcp) as served:
        plan: Plan = agent_options(arguments, served)["planner"].given
    return plan


def _write(arguments: argparse.Namespace, plan: Plan, made: Preview | None) -> None:
    forecast = None
    if arguments.simulate:
        forecast = _forecaster(arguments, arguments.model if made is None else made.model).of(plan)
    output = PlanOutput(plan=plan, made=made, forecast=forecast)
    output.write("json" if arguments.json else "mermaid" if arguments.mermaid else "text")


def _forecaster(arguments: argparse.Namespace, model: str | None) -> Forecaster:
    rates = measured_rates(
        run_folders(arguments.out), model, options=arguments.set, max_tokens=arguments.max_tokens
    )
    if arguments.rates is not None:
        rates = with_given_rates(rates, arguments.rates)
    sampling = Sampling(max_tokens=arguments.max_tokens)
    methods = {name: method_named(name, sampling) for name in METHODS}
    reducers = {name: reducer_named(name, sampling) for name in REDUCERS}
    # What --set has changed is the run's own method only.
    given = Settings(arguments).applied("method", methods[arguments.method], sampling)
    methods[arguments.method] = given
    return Forecaster(
        rates=with_configurations(rates, methods, reducers),
        max_tokens=arguments.max_tokens,
        thread_tokens=shape_of(given).tokens,
        method=arguments.method,
        reducer=arguments.reducer,
        width=None if arguments.width == "auto" else int(arguments.width),
        prices=budget_of(arguments).prices,
    )
