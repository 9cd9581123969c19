// The details of whatever is chosen: facts at sight, whole texts on demand.

/** Draws what is chosen into the panel beside the views. */
class Details {
  constructor() {
    this.element = byId("details");
    this.element.addEventListener("click", (event) => {
      const target = event.target.closest("[data-kind]");
      if (target)
        app.select({
          kind: target.dataset.kind,
          id: target.dataset.kind === "call" ? Number(target.dataset.id) : target.dataset.id,
        });
    });
  }

  /** Draws anew if what is chosen is another or has changed; what was unfolded and scrolled to stays so. */
  refresh() {
    const chosen = app.selected;
    const entity = chosen && app.data.at(chosen);
    const same = this._key === (chosen ? `${chosen.kind} ${chosen.id}` : "run");
    if (same && entity && this._version === this._versionOf(entity)) return;
    const open = same
      ? new Set([...this.element.querySelectorAll("details[open]")].map((one) => one.dataset.name))
      : new Set(["asked", "result", this._onlyCall(entity)]);
    const read = new Map(
      same ? [...this.element.querySelectorAll("[data-read]")].map((one) => [one.dataset.text, one]) : [],
    );
    const held = this.element.contains(document.activeElement) && handleOf(document.activeElement);
    const scrolled = same ? this.element.scrollTop : 0;
    this._key = chosen ? `${chosen.kind} ${chosen.id}` : "run";
    this._version = entity && this._versionOf(entity);
    const parts = entity
      ? { node: nodeParts, thread: threadParts, call: callParts }[chosen.kind](entity)
      : runParts(app.data.run);
    this.element.replaceChildren(...parts.filter(Boolean));
    // What somebody reads stays as it is.
    for (const one of this.element.querySelectorAll("[data-text]"))
      if (read.has(one.dataset.text)) one.replaceWith(read.get(one.dataset.text));
    for (const one of this.element.querySelectorAll("details")) if (open.has(one.dataset.name)) one.open = true;
    this.element.scrollTop = scrolled;
    if (held) this._hold(held);
    byId("chosen").textContent = chosen && entity ? inLine(`${nameOf(chosen)}, ${entity.state}`) : "";
  }

  /** Gives the focus back to what had it, or to the panel where that is gone. */
  _hold(handle) {
    const all = [...this.element.querySelectorAll("button, summary, .turns[tabindex]")];
    (all.find((one) => handleOf(one) === handle) ?? this.element).focus({ preventScroll: true });
  }

  /** The text of a thread's only call needs no second click. */
  _onlyCall(entity) {
    const calls = app.selected?.kind === "thread" && entity ? app.data.callsOfThread(entity.id) : [];
    return calls.length === 1 ? `call ${calls[0].id}` : "";
  }

  /** What a panel of this entity depends on: its own version and how much belongs to it. */
  _versionOf(entity) {
    const node = entity.node ?? entity.id;
    const numbers = [
      app.data.callsOf(node).length,
      app.data.threadsOf(node).length,
      app.data.dependents(node).length,
      app.data.decisionsOf({ kind: "node", id: node }).length,
    ];
    const lasts = entity.end === null && entity.start !== null ? Math.floor(app.data.seconds) : "";
    return `${entity.version} ${app.pinned?.id} ${numbers.join(" ")} ${lasts}`;
  }
}

/** What tells an element that can have the focus from others of the panel, also when the panel is drawn anew. */
const handleOf = (element) =>
  [
    element.tagName,
    element.closest("[data-name]")?.dataset.name,
    element.dataset.kind,
    element.dataset.id,
    element.matches("button:not(.link)") ? element.textContent : "",
  ].join("|");

// ---------------------------------------------------------------- what may be chosen

function runParts(run) {
  const nodes = [...grouped(app.data.planned, (node) => node.state)].map(([state, ones]) =>
    make("span", "count", stateSign(state, true), ` ${count(ones.length)}`),
  );
  return [
    make(
      "div",
      "title",
      make("p", "kind", "run"),
      make("h2", "", stateSign(run.state, true), make("span", "", shown(run.name || "this run"))),
    ),
    why(run.reason),
    why(run.remark),
    why(run.note),
    facts(
      ["model", run.model],
      ["method", run.method],
      ["planner", run.planner],
      ["started", run.started],
      ["nodes", nodes.length ? make("span", "links", ...nodes) : null],
      ["resumed at", (run.lives ?? []).map((at) => duration(at)).join(", ")],
      ["decisions", app.data.decisions.size ? count(app.data.decisions.size) : ""],
      ...usageFacts(run.usage),
    ),
    textPart("asked", "question", run.question),
    textPart("result", "answer", run.answer),
    make("p", "hint", "Choose a node, a thread or a call to see its texts."),
  ];
}

function nodeParts(node) {
  const calls = app.data.callsOf(node.id);
  const threads = app.data.threadsOf(node.id);
  return [
    titleOf(node.kind, titleOfNode(node), node),
    why(node.reason, node.state),
    facts(
      [node.kind === "call" ? "tool" : "method", node.what],
      ...timeFacts(node),
      ["calls", node.calls ? count(node.calls) : ""],
      ...usageFacts(node.usage, node.cached_share),
      ["after", nodeLinks(app.data.before(node))],
      ["before", nodeLinks(app.data.dependents(node.id))],
    ),
    actions(threads.length ? button("its threads", () => showThreads(node.id)) : ""),
    textPart("asked", node.kind === "call" ? "arguments" : "asked", node.asked),
    textPart(
      "result",
      "result",
      node.result,
      node.text,
      node.kind === "call" ? "show the call as it was made" : "show the whole text",
    ),
    noticesPart(calls),
    listPart("threads", "threads", threads.toSorted(byChoice), threadListLine),
    listPart("calls", "calls of the engine", calls, callListLine),
    decisionsPart({ kind: "node", id: node.id }),
  ];
}

function showThreads(node) {
  app.show("threads");
  const thread = app.data.threadsOf(node).toSorted(byChoice)[0];
  if (thread) app.select({ kind: "thread", id: thread.id });
}

/** The chosen first, then by score. */
const byChoice = (one, other) =>
  Number(other.chosen) - Number(one.chosen) || (other.score ?? -Infinity) - (one.score ?? -Infinity) || 0;

function threadParts(thread) {
  const calls = app.data.callsOfThread(thread.id);
  const siblings = (
    thread.parent === null
      ? app.data.threadsOf(thread.node).filter((one) => one.parent === null)
      : app.data.children(thread.parent)
  ).filter((one) => one !== thread);
  const parts = [
    titleOf("thread", thread.name || thread.id, thread),
    why(thread.reason, thread.state),
    facts(
      ["path", thread.id],
      ["node", nodeLink(thread.node)],
      ["parent", app.data.threads.has(thread.parent) ? link("thread", thread.parent, shown(thread.parent)) : ""],
      ["score", thread.score === null || thread.score === undefined ? "" : scoreText(thread.score)],
      ...timeFacts(thread),
      ["calls", thread.calls ? count(thread.calls) : ""],
      ...usageFacts(thread.usage),
    ),
    actions(),
    textPart("result", "answer", thread.value),
    noticesPart(calls),
    listPart("siblings", "siblings", siblings.toSorted(byChoice), threadListLine),
    listPart("children", "forked from it", app.data.children(thread.id), threadListLine),
    decisionsPart({ kind: "thread", id: thread.id }),
    ...calls.slice(0, 8).map((call) => callTexts(call, `call ${call.id}`)),
  ];
  if (calls.length > 8) parts.push(listPart("calls", "all its calls", calls, callListLine));
  return parts;
}

function callParts(call) {
  return [
    titleOf("call of the engine", `call ${call.id}`, call),
    facts(
      ["thread", app.data.threads.has(call.thread) ? link("thread", call.thread, shown(call.thread)) : call.thread],
      ["node", nodeLink(call.node)],
      ...timeFacts(call),
      ...usageFacts(call.usage),
      ["limited by", call.limited_by ?? ""],
      ["workers", call.workers > 1 ? count(call.workers) : ""],
    ),
    ...(call.notices ?? []).map((notice) => why(`${notice.what}: ${notice.reason}`)),
    actions(),
    callTexts(call, null),
  ];
}
