"""Planners turn a question into a plan: a DAG of calls, threads of thought and reductions."""

from __future__ import annotations

from .catalogue import PLANNERS, planner_named
from .compiler.llm_compiler import LLMCompiler
from .errors import InvalidPlan, PlanError, PlanFileError, PlanSyntaxError
from .language.grammar import plan_grammar
from .language.plan_parser import PlanParser
from .plan import Argument, Call, Conclude, Node, Plan, Reduce, Reference, Template, Think
from .planner import Finding, GivenPlanner, Planner, PlanSink, SinglePlanner
from .static.plan_reader import read_plan
from .tool_specification import ToolSpecification
from .validation import PlanChecker, Vocabulary, check_plan

__all__ = [
    "PLANNERS",
    "Argument",
    "Call",
    "Conclude",
    "Finding",
    "GivenPlanner",
    "InvalidPlan",
    "LLMCompiler",
    "Node",
    "Plan",
    "PlanChecker",
    "PlanError",
    "PlanFileError",
    "PlanParser",
    "PlanSink",
    "PlanSyntaxError",
    "Planner",
    "Reduce",
    "Reference",
    "SinglePlanner",
    "Template",
    "Think",
    "ToolSpecification",
    "Vocabulary",
    "check_plan",
    "plan_grammar",
    "planner_named",
    "read_plan",
]
