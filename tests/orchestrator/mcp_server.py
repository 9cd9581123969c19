"""A real MCP server, made with the official SDK: `python mcp_server.py` talks over standard input and output."""

from __future__ import annotations

import os
from typing import Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel

READS = ToolAnnotations(read_only_hint=True)


class Town(BaseModel):
    name: str
    people: int


def make_server() -> MCPServer:
    server = MCPServer("tests", log_level="CRITICAL")

    @server.tool(annotations=READS)
    def multiply(a: float, b: float = 2) -> float:
        """Multiplies
        two numbers.

        There is more to it.
        """
        return a * b

    @server.tool(annotations=READS)
    def town(name: str, kind: Literal["big", "small"] = "big") -> Town:
        return Town(name=name, people=5_000_000 if kind == "big" else 12)

    @server.tool(annotations=READS)
    def picture() -> Image:
        return Image(data=b"12345", format="png")

    @server.tool(annotations=ToolAnnotations(idempotent_hint=True, destructive_hint=True))
    def remove(path: str) -> str:
        return f"removed {path}"

    @server.tool(annotations=READS)
    def long(characters: int) -> str:
        return "x" * characters

    @server.tool(annotations=READS)
    def variable(name: str) -> str:
        return f"{os.environ.get(name)} in {os.getcwd()}"

    @server.tool()
    def write(text: str) -> CallToolResult:
        return CallToolResult(
            content=[TextContent(type="text", text=f"no room\nfor {text}")], is_error=True
        )

    @server.tool(annotations=READS)
    async def wait(context: Context, path: str) -> str:
        """Says in a file that it waits, and that it was cancelled."""
        place = anyio.Path(path)
        try:
            await place.write_text("waits")
            await anyio.sleep_forever()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await place.write_text("cancelled")
            raise
        return "never"

    return server


if __name__ == "__main__":
    make_server().run()
