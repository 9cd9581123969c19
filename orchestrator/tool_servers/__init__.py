"""MCP servers as sources of tools, over standard input and output and over HTTP."""

from .server import ToolServer, ToolServerStatistics, tool_server

__all__ = ["ToolServer", "ToolServerStatistics", "tool_server"]
