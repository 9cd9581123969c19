"""OpenAI's HTTP API as bodies: read into what is asked, and written from the pieces of an answer. Pure."""
