"""The subcommands that come with the orchestrator."""
