"""Reports of evaluations: a page, Markdown, JSON."""
