from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import Context, RequestRejected, Role, Segment
from engines.chat_template import (
    ends_with_mark,
    marks_before,
    opens_generation,
    plain_marks,
    roles_of,
    skeleton,
    to_render,
)

ROLES: list[Role] = ["system", "user", "assistant"]


def chatml(roles: list[Role], *, generation: bool = False) -> str:
    turns = (
        f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
        for message in skeleton(roles)
    )
    return "".join(turns) + ("<|im_start|>assistant\n" if generation else "")


@given(st.lists(st.sampled_from(ROLES), min_size=1, max_size=30))
def test_marks_and_contents_make_the_rendered_conversation(roles: list[Role]) -> None:
    rendered = chatml(roles)
    contents = [message["content"] for message in skeleton(roles)]
    pieces = [
        marks_before(chatml(roles[: turn + 1]), turn) + contents[turn] for turn in range(len(roles))
    ]
    assert "".join(pieces) + "<|im_end|>\n" == rendered


def test_the_first_turn_s_marks_are_what_stands_before_it() -> None:
    assert marks_before("<s><user>content0end.</user>", 0) == "<s><user>"


def test_a_generation_prompt_stands_where_no_content_follows() -> None:
    rendered = chatml(["user"], generation=True)
    assert marks_before(rendered, 1) == "<|im_end|>\n<|im_start|>assistant\n"


def test_a_template_that_drops_a_turn_is_refused_and_the_turn_named() -> None:
    with pytest.raises(RequestRejected, match="drops turn 1 "):
        marks_before("<user>content1end.", 1)


def test_contents_that_a_template_strips_or_repeats_later_do_not_confuse_it() -> None:
    assert marks_before("A content0end. B content1end. C content0end.", 1) == " B "


def test_eleven_turns_keep_their_placeholders_apart() -> None:
    contents = [message["content"] for message in skeleton(["user"] * 12)]
    assert not any(a in b for a in contents for b in contents if a != b)


def test_roles_are_counted_by_turns() -> None:
    context = Context(Segment("user", "a")).extend(Segment("user", "b"))
    assert roles_of(context.extend(Segment("assistant", ""))) == ("user", "assistant")
    assert roles_of(None) == ()


def test_only_the_model_s_turn_opens_a_generation() -> None:
    assert [role for role in ROLES if opens_generation(role)] == ["assistant"]


def test_without_a_template_a_blank_line_stands_between_turns() -> None:
    assert plain_marks(["user"]) == ""
    assert plain_marks(["user", "assistant"]) == "\n\n"


END = 2


def spoken(role: Role, text: str, ids: tuple[int, ...]) -> Context:
    return Context(Segment(role, text, ids))


@pytest.mark.parametrize(
    ("after", "ended"),
    [
        (None, False),
        (spoken("assistant", "4", (9, END)), True),
        (spoken("assistant", "4", (9,)), False),
        # The text itself ends in the mark, so it is content.
        (spoken("assistant", "4<end>", (9, END)), False),
        (spoken("user", "4", (9, END)), False),
        # A fork without ids of its own, and a turn that goes on.
        (spoken("assistant", "4", (9, END)).fork("a"), True),
        (spoken("assistant", "4", (9, END)).extend(Segment("assistant", "5", (8,))), False),
        (spoken("assistant", "", ()), False),
    ],
)
def test_a_model_s_own_end_of_turn_is_recognised(after: Context | None, ended: bool) -> None:
    assert ends_with_mark(after, END, "<end>") is ended


def test_the_roles_of_a_context_are_those_of_its_turns() -> None:
    after = spoken("user", "a", ()).extend(Segment("user", "b")).extend(Segment("assistant", "c"))
    after = after.fork("x").extend(Segment("assistant", "d")).extend(Segment("user", "e"))
    assert roles_of(after) == tuple(turn.role for turn in after.turns)
    assert roles_of(after) == ("user", "assistant", "user")
    assert roles_of(None) == ()


def test_a_system_turn_is_rendered_with_a_question_behind_it() -> None:
    messages, generation = to_render(["system"])
    assert [message["role"] for message in messages] == ["system", "user"]
    assert not generation
    rendered = "".join(f"<{message['role']}>{message['content']}" for message in messages)
    assert marks_before(rendered, 0) == "<system>"


def test_the_model_s_turn_is_opened_by_the_generation_prompt() -> None:
    messages, generation = to_render(["system", "user", "assistant"])
    assert [message["role"] for message in messages] == ["system", "user"]
    assert generation
