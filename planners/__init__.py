"""Planners turn a question into a plan: a DAG of calls, threads of thought and reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.later import imported_later as _imported_later

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

if TYPE_CHECKING:
    from .language.plan_text import plan_text
    from .mermaid import to_mermaid
    from .outline import Outline
    from .scaling.scale import SCALE
    from .static.building import Step, StepField, build, call, conclude, reduce, think

__all__ = [
    "PLANNERS",
    "SCALE",
    "Argument",
    "Call",
    "Conclude",
    "Finding",
    "GivenPlanner",
    "InvalidPlan",
    "LLMCompiler",
    "Node",
    "Outline",
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
    "Step",
    "StepField",
    "Template",
    "Think",
    "ToolSpecification",
    "Vocabulary",
    "build",
    "call",
    "check_plan",
    "conclude",
    "plan_grammar",
    "plan_text",
    "planner_named",
    "read_plan",
    "reduce",
    "think",
    "to_mermaid",
]

# Other planners, and what writes and draws plans by hand, are imported with their first use.
__getattr__ = _imported_later(
    __name__,
    {
        "Outline": ".outline",
        "SCALE": ".scaling.scale",
        "Step": ".static.building",
        "StepField": ".static.building",
        "build": ".static.building",
        "call": ".static.building",
        "conclude": ".static.building",
        "plan_text": ".language.plan_text",
        "reduce": ".static.building",
        "think": ".static.building",
        "to_mermaid": ".mermaid",
    },
)
