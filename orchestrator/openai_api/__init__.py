"""OpenAI's HTTP API as bodies: read into what is asked, and written from the pieces of an answer. Pure.

    body ──> model_request ──> ModelRequest  ...  who answers  ...  pieces ──> writing ──> body, or lines of a stream
             │                                                                 │
             ├─ chat_messages, response_input   what was said                  ├─ answer_bodies    chats and completions
             │    content_parts, conversation     as turns and results         │    gathered         as a whole
             ├─ sampling_fields   how to sample                                ├─ chunk_writer     and as a stream
             ├─ tool_fields       what can be called                           │    chunk_choices    what a chunk adds
             ├─ body_fields       taken or refused: the rest                   ├─ response_events  responses, both ways
             └─ data_limits       what no body may hold                        │    response_output, response_body
                                                                               └─ server_sent      events as lines

`told_values` words what is refused, `usage_bodies` what an answer took, and `api_error` is an error as clients get it.
"""
