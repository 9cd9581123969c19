"""A report as one HTML page: no connection, no file beside it. What it is made of stands beside this module.

page.html   the template, which escapes all that is put in
page.css    how it looks: light, dark, on a phone, on paper
page.js     lists, filters, searches and shows samples, from the JSON in the page
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..estimates.estimate import Estimate
from .contents import Contents
from .plot import Plot, draw, draw_interval, draw_mark
from .report_file import MADE_BY
from .visible import excerpt, script_data, visible
from .words import percent

if TYPE_CHECKING:
    from jinja2 import Template


def page(contents: Contents) -> str:
    """The page of a report."""
    return _template().render(
        report=contents, made_by=MADE_BY, style=_embedded("page.css"), script=_script()
    )


@lru_cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, finalize=_shown, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(_filters())
    return environment.from_string(_text("page.html"))


def _shown(value: Any) -> Any:
    """What is put in for a value: only texts that are no markup can hide something."""
    return visible(value) if type(value) is str else value


def _filters() -> Mapping[str, Any]:
    from markupsafe import Markup

    def interval(estimate: Estimate) -> Markup:
        return Markup(draw_interval(estimate.value, estimate.low, estimate.high))

    def drawn(plot: Plot) -> Markup:
        return Markup(draw(plot))

    return {
        "draw": drawn,
        "excerpt": excerpt,
        "interval": interval,
        "mark": lambda number: Markup(draw_mark(number)),
        "percent": percent,
        "script_data": lambda data: Markup(script_data(data)),
    }


def _embedded(name: str) -> Any:
    from markupsafe import Markup

    return Markup(_text(name))


def _script() -> Any:
    from markupsafe import Markup

    # How a model's text goes into a page, the viewer knows too.
    shared = files("orchestrator.viewer").joinpath("page", "elements.js").read_text("utf-8")
    return Markup(shared) + _embedded("page.js")


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
