// Prompt and output of a call, with what its prompt shares with others told from what is its own.

/** Prompt and output of a call: read at once, or when somebody unfolds it. */
function callTexts(call, title) {
  const body = make("div", "turns");
  body.dataset.text = call.text ?? "";
  const fill = async () => {
    if (body.dataset.key === call.text) return;
    body.dataset.key = call.text ?? "";
    if (!call.text)
      return body.replaceChildren(
        call.preview ? make("pre", "", shown(call.preview)) : make("p", "soft", withoutText(call)),
      );
    const text = await readText(call.text);
    body.replaceChildren(...turnsOf(text));
    if (text.failure) delete body.dataset.key;
    else body.dataset.read = "";
  };
  if (title === null) {
    fill();
    return body;
  }
  const line = make("summary", "", stateSign(call.state), ` ${title} `, make("small", "", callLine(call)));
  const part = make("details", "part", line, body);
  part.dataset.name = `call ${call.id}`;
  part.addEventListener("toggle", () => part.open && fill());
  return part;
}

const withoutText = (call) =>
  call.end === null
    ? `It runs since ${duration(took(call))}; its prompt and its text are kept when it ends.`
    : "Its text is not kept.";

/** The turns of a prompt, what is shared with siblings dimmed, and the output after them. */
function turnsOf(text) {
  if (text.failure) return [make("p", "reason", shown(text.failure))];
  const turns = text.turns ?? [];
  const own = turns.findLastIndex((turn) => turn.fork);
  const parts = [];
  let forks = [];
  for (const [at, turn] of turns.entries()) {
    // The context of the run is no fork of anything.
    if (turn.fork && at > 0) forks.push(turn.fork);
    if (!turn.text) continue;
    const isShared = at < own;
    const marks = [...forks.map((fork) => `fork ${fork}`), isShared ? "shared" : ""].filter(Boolean);
    const role = make("p", "role", shown(turn.role), ...marks.map((one) => make("span", "mark", shown(one))));
    parts.push(make("div", isShared ? "turn is-shared" : "turn", role, make("pre", "", shown(turn.text.trim()))));
    forks = [];
  }
  if (text.arguments !== undefined)
    parts.push(make("div", "turn", make("p", "role", "arguments"), make("pre", "", shown(told(text.arguments)))));
  const workers = (text.passages ?? [])
    .map(({ worker, tokens }) => `${worker ?? "all"} ${count(tokens)}`)
    .slice(0, MOST_LISTED);
  const by = workers.length
    ? make("span", "soft", shown(` · tokens of each worker in turn: ${workers.join(", ")}`))
    : "";
  parts.push(
    make("div", "turn is-output", make("p", "role", "output", by), make("pre", "", shown(told(text.output ?? "")))),
  );
  return parts;
}
