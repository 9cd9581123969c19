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
    ["prompt", prompt],
    ["generated", `${usage.lower_bound ? "at least " : ""}${count(usage.generated_tokens)}`],
  ];
}

function timeFacts(entity) {
  const { start, end, state } = entity;
  if (start === null || start === undefined) return [];
  if (state === "deferred") return [["waits since", duration(start)]];
  const until = end === null ? " on, still running" : ` to ${duration(end)}`;
  return [["time", `${duration(took(entity))}, from ${duration(start)}${until}`]];
}

/** A text that can be folded; `whole` gives the rest of it when somebody asks. */
function textPart(name, title, text, whole = null, offer = "show the whole text") {
  if ((text === null || text === undefined || text === "") && !whole) return null;
  const body = make("pre", "", shown(told(text ?? "")));
  const part = make("details", "part", make("summary", "", title), body);
  part.dataset.name = name;
  if (whole) {
    part.dataset.text = whole;
    part.append(button(offer, ({ target }) => wholeInto(part, target, whole), "plain"));
  }
  return part;
}

async function wholeInto(part, target, key) {
  target.disabled = true;
  const text = await readText(key);
  const turns = make("div", "turns", ...turnsOf(text));
  turns.tabIndex = -1;
  part.querySelector("pre, .turns").replaceWith(turns);
  target.disabled = false;
  if (text.failure) return;
  const isHeld = document.activeElement === target || document.activeElement === document.body;
  target.remove();
  part.dataset.read = "";
  // Who pressed the button by a key goes on from here.
  if (isHeld) turns.focus({ preventScroll: true });
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
  const summary = make("summary", "", `${title} `, make("small", "", count(things.length)));
  const part = make("details", "part", summary, listOf(things, line));
  part.dataset.name = name;
  return part;
}

function listOf(things, line) {
  const list = make("ul", "list", ...things.slice(0, MOST_LISTED).map((one) => make("li", "", line(one))));
  if (things.length > MOST_LISTED) list.append(make("li", "soft", `and ${count(things.length - MOST_LISTED)} more`));
  return list;
}

const callListLine = (call) =>
  link(
    "call",
    call.id,
    stateSign(call.state),
    make("span", "grow", shown(inLine(call.thread || `call ${call.id}`, 80))),
    make("small", "", callLine(call)),
  );

/** The path of a thread below that of its node: many a step has the same name. */
const belowNode = ({ id, node, name }) => (id.startsWith(`root/${node}/`) ? id.slice(node.length + 6) : name || id);

const threadListLine = (thread) =>
  link(
    "thread",
    thread.id,
    stateSign(thread.state),
    thread.chosen ? make("span", "star", "★") : "",
    make("span", "grow", shown(belowNode(thread))),
    make("small", "", thread.score === null || thread.score === undefined ? "" : `score ${scoreText(thread.score)}`),
  );

/** What was decided, each decision to be unfolded: of a search which leaves went on, of others what they came to. */
function decisionsPart(selected) {
  return listPart("decisions", "decisions", app.data.decisionsOf(selected), (one) => {
    if (one.kind === "selection") return selectionPart(one);
    const name = one.path.slice(one.path.lastIndexOf("#") + 1);
    return textPart(one.path, name, one.data.value ?? one.data);
  });
}

/** A wave of a search: its leaves with their scores, those that went on first. Many waves have very many of them. */
function selectionPart({ path, wave, data }) {
  const children = new Map(data.chosen);
  const leaves = data.leaves ?? data.chosen.map(([leaf]) => [leaf, null]);
  const went = `${count(children.size)} of ${count(leaves.length)} went on`;
  const said = [went, visible(data.remark)].filter(Boolean).join(" · ");
  const part = make("details", "part", make("summary", "", `wave ${wave} `, make("small", "", said)));
  part.dataset.name = path;
  const above = path.slice(0, path.lastIndexOf("#"));
  const fill = () => {
    const sorted = leaves.toSorted(
      ([one, score], [other, least]) =>
        children.has(other) - children.has(one) || (least ?? -Infinity) - (score ?? -Infinity) || 0,
    );
    const line = ([leaf, score]) => leafLine(leaf, leaf.slice(above.length + 1), score, children.get(leaf));
    part.append(listOf(sorted, line));
  };
  part.addEventListener("toggle", fill, { once: true });
  return part;
}

const leafLine = (id, name, score, forks) =>
  link(
    "thread",
    id,
    stateSign(forks === undefined ? "passed-over" : "ok"),
    make("span", "grow", shown(name || "the beginning")),
    make(
      "small",
      "",
      [score === null ? "" : `score ${scoreText(score)}`, forks === undefined ? "" : `forked ${counted(forks, "time")}`]
        .filter(Boolean)
        .join(" · "),
    ),
  );

function noticesPart(calls) {
  const notices = calls.flatMap((call) => (call.notices ?? []).map((notice) => ({ ...notice, call })));
  return listPart("notices", "notices", notices, ({ what, reason, call }) =>
    link("call", call.id, make("b", "", shown(what)), make("span", "grow", shown(`: ${reason}`))),
  );
}

const why = (reason, state = "") => (reason ? make("p", `reason of-${state}`, shown(reason)) : null);

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
