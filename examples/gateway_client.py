"""The official `openai` client against forkjoin: `forkjoin serve`, then `python -m examples.gateway_client`.

Behind `MODEL@METHOD` many threads think, and one answer comes back, as an ordinary chat completion. The tools are the
client's own: a plan calls all that wait for nothing at once, and goes on when their results are there.
"""

import argparse
import json
import sys
from typing import Any

from openai import APIConnectionError, APIStatusError, OpenAI
from openai.types.chat import ChatCompletionToolParam

QUESTION = "What is 12 * 7 + 38?"
WEATHER = {"Paris": "rain, 11 degrees", "Oslo": "snow, -3 degrees"}
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": [*WEATHER]}},
            "required": ["city"],
        },
    },
}


def vote(client: OpenAI, model: str) -> str:
    """Eight threads vote; the usage is that of all of them."""
    completion = client.chat.completions.create(
        model=f"{model}@self-consistency:n=8",
        messages=[{"role": "user", "content": QUESTION}],
        max_tokens=100,
    )
    assert completion.usage is not None
    print(f"a vote of eight took {completion.usage.completion_tokens} tokens")
    return completion.choices[0].message.content or ""


def streamed(client: OpenAI, model: str) -> str:
    """A method that is named in the body, with its options; what each thread says comes as reasoning."""
    chunks = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": QUESTION}],
        max_tokens=100,
        stream=True,
        extra_body={"forkjoin": {"method": "parathinker", "set": {"method.threads": 3}}},
    )
    answer = ""
    for chunk in chunks:
        for choice in chunk.choices:
            # No field of OpenAI's: clients that do not know it pass over it.
            thought = getattr(choice.delta, "reasoning", None)
            if thought:
                print(" ".join(thought.split())[:100])
            answer += choice.delta.content or ""
    return answer


def with_tools(client: OpenAI, model: str, most: int = 4, seconds: float = 60) -> str:
    """Calls what the plan asks for, several at once, until there is an answer; each request has so long at most."""
    messages: list[Any] = [{"role": "user", "content": "Is it warmer in Paris or in Oslo?"}]
    for request in range(1, most + 1):
        print(f"request {request} of up to {most}: the model plans, for {seconds:g} s at most")
        completion = client.chat.completions.create(
            model=model,
            messages=messages,
            tools=[TOOL],
            max_tokens=200,
            extra_body={"forkjoin": {"budget": {"seconds": seconds}}},
        )
        message = completion.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.to_dict())
        for called in message.tool_calls:
            assert called.type == "function"
            city = json.loads(called.function.arguments)["city"]
            print(f"weather in {city}: {WEATHER[city]}")
            messages.append({"role": "tool", "tool_call_id": called.id, "content": WEATHER[city]})
    return "the plan asks for more and more"


def talk(client: OpenAI) -> None:
    """All three, with the model that is served."""
    model = client.models.list().data[0].id
    print(vote(client, model), end="\n\n")
    print(streamed(client, model), end="\n\n")
    print(with_tools(client, model))


def main() -> None:
    """Talks to the server of the command line, or to the one that stands here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000/v1")
    url = parser.parse_args().url
    with OpenAI(base_url=url, api_key="none") as client:
        try:
            talk(client)
        except APIConnectionError:
            sys.exit(f"no server answers at {url}: start one with forkjoin serve, or name its URL")
        except APIStatusError as error:
            # A small model writes no plan at times, or not in time.
            sys.exit(f"the server gives no answer: {error.message}")


if __name__ == "__main__":
    main()
