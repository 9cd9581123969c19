"""An MCP server of one's own, made with the official SDK: `python -m examples.mcp_server` talks through its pipes.

On the command line: `forkjoin run --mcp "python -m examples.mcp_server" "Which day of the week was 1969-07-20?"`.
"""

from datetime import date

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

# What only reads may be called again, where a run died in its call.
READS = ToolAnnotations(read_only_hint=True)
calendar = MCPServer("calendar", log_level="ERROR")


@calendar.tool(annotations=READS)
def weekday(day: date) -> str:
    """The day of the week of a date, such as 1969-07-20."""
    return f"{day:%A}"


@calendar.tool(annotations=READS)
def days_between(first: date, last: date) -> int:
    """How many days lie between two dates."""
    return (last - first).days


def main() -> None:
    """Serves until its input ends."""
    calendar.run("stdio")


if __name__ == "__main__":
    main()
