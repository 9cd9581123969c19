// What panels of details are made of: titles, facts, lists that lead to other entities, texts that can be unfolded.

const MOST_LISTED = 100;

function titleOf(kind, name, entity) {
  const title = make("h2", "", stateSign(entity.state, true), make("span", "", shown(name)));
  const marks = [entity.critical && "critical path", entity.chosen && "★ chosen", entity.replayed && "replayed"].filter(
    Boolean,
  );
  return make("div", "title", make("p", "kind", kind, ...marks.map((one) => make("span", "mark", one))), title);
}

/** Names and values beside each other; those without a value are left out. */
function facts(...entries) {
  const list = make("dl", "facts");
  for (const [name, value] of entries) {
    if (value === null || value === undefined || value === "") continue;
    list.append(make("dt", "", name), make("dd", "", typeof value === "string" ? shown(value) : value));
  }
  return list.children.length ? list : null;
}

function usageFacts(usage, cached) {
  if (!tokensOf(usage)) return [];
  const share = cached ?? cachedShare(usage);
  const prompt = `${count(usage.prompt_tokens)}${share === null ? "" : `, of which ${percent(share)} cached`}`;
  return [
    ["prompt tokens", prompt],
    ["generated", `${usage.lower_bound ? "at least " : ""}${count(usage.generated_tokens)}`],
  ];
}

function timeFacts({ start, end }) {
  if (start === null || start === undefined) return [];
  return [
    [
      "time",
      `${duration((end ?? app.data.seconds) - start)}, from ${duration(start)}${end === null ? " on, still running" : ` to ${duration(end)}`}`,
    ],
  ];
}

/** A text that can be folded; `whole` gives the rest of it when somebody asks. */
function textPart(name, title, text, whole = null, offer = "show the whole text") {
  if ((text === null || text === undefined || text === "") && !whole) return null;
  const body = make("pre", "", shown(told(text ?? "")));
  const part = make("details", "part", make("summary", "", title), body);
  part.dataset.name = name;
  if (whole) part.append(button(offer, ({ target }) => wholeInto(part, target, whole), "plain"));
  return part;
}

async function wholeInto(part, target, key) {
  target.disabled = true;
  const text = await readText(key);
  if (!text.failure) target.remove();
  part.querySelector("pre").replaceWith(make("div", "turns", ...turnsOf(text)));
  target.disabled = false;
}

/** A text under its key, or what went wrong, as words. */
async function readText(key) {
  try {
    return (await app.texts.read(key)) ?? { failure: "there is no such text in this run" };
  } catch (error) {
    return { failure: `the text cannot be read: ${error.message}` };
  }
}

/** A line that leads to another entity. */
function link(kind, id, ...inside) {
  const element = make("button", "link", ...inside);
  element.type = "button";
  element.dataset.kind = kind;
  element.dataset.id = id;
  return element;
}

function nodeLink(id) {
  const node = app.data.nodes.get(id);
  return node
    ? link("node", id, stateSign(node.state), " ", shown(inLine(titleOfNode(node), 50)))
    : make("span", "soft", shown(id));
}

const nodeLinks = (ids) =>
  ids.length
    ? make(
        "span",
        "links",
        ...ids.slice(0, 40).map(nodeLink),
        ids.length > 40 ? `and ${count(ids.length - 40)} more` : "",
      )
    : null;

/** A list of entities, the first of very many. */
function listPart(name, title, things, line) {
  if (!things.length) return null;
  const list = make("ul", "list", ...things.slice(0, MOST_LISTED).map((one) => make("li", "", line(one))));
  if (things.length > MOST_LISTED) list.append(make("li", "soft", `and ${count(things.length - MOST_LISTED)} more`));
  const part = make("details", "part", make("summary", "", `${title} `, make("small", "", count(things.length))), list);
  part.dataset.name = name;
  return part;
}

const callListLine = (call) =>
  link(
    "call",
    call.id,
    stateSign(call.state),
    make("span", "grow", shown(inLine(call.thread || `call ${call.id}`, 80))),
    make("small", "", callLine(call)),
  );

const threadListLine = (thread) =>
  link(
    "thread",
    thread.id,
    stateSign(thread.state),
    thread.chosen ? make("span", "star", "★") : "",
    make("span", "grow", shown(thread.name || thread.id)),
    make("small", "", thread.score === null || thread.score === undefined ? "" : `score ${scoreText(thread.score)}`),
  );

function decisionsPart(path) {
  return listPart("decisions", "decisions", app.data.decisionsOf(path), (one) =>
    make(
      "div",
      "",
      make("b", "", shown(`${one.kind}${one.wave === null || one.wave === undefined ? "" : ` ${one.wave}`}`)),
      make("pre", "", shown(told(one.data))),
    ),
  );
}

function noticesPart(calls) {
  const notices = calls.flatMap((call) => (call.notices ?? []).map((notice) => ({ ...notice, call })));
  return listPart("notices", "notices", notices, ({ what, reason, call }) =>
    link("call", call.id, make("b", "", shown(what)), make("span", "grow", shown(`: ${reason}`))),
  );
}

const why = (reason) => (reason ? make("p", "reason", shown(reason)) : null);

/** What can be done with what is chosen. */
function actions(...more) {
  const pins = app.pinned && !sameSelection(app.pinned, app.selected);
  return make(
    "div",
    "actions",
    button(pins ? "compare with the pinned" : "compare with…", () => compareChosen()),
    ...more,
  );
}
