// Keys: what each does, and the dialog that says so.

const KEYS = [
  ["g", "the plan as a graph"],
  ["t", "threads and searches as a tree"],
  ["l", "the timeline"],
  ["n", "the table of nodes"],
  ["← → ↑ ↓", "along edges and between siblings; in lists, rows and what is below them"],
  ["Enter", "to the details of what is chosen; Esc goes back"],
  ["/", "search"],
  ["d", "compare: pin what is chosen, then choose another and press d again"],
  ["+ − f", "nearer, farther, all of it"],
  ["wheel, drag", "zoom and move; in the timeline ctrl and wheel zoom, the wheel alone scrolls"],
  ["c", "only what is critical; again for all"],
  ["s", "light or dark"],
  ["Esc", "back from the details, close, or choose nothing: the run itself"],
  ["?", "this help"],
];

/** Listens to keys, wherever the focus is but for fields. */
function listenToKeys(views) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input, textarea, select") || document.querySelector("dialog[open]")) return;
    if (pressed(event, views)) event.preventDefault();
  });
}

function pressed(event, views) {
  const view = views[app.view];
  const simple = {
    g: () => app.show("plan"),
    t: () => app.show("threads"),
    l: () => app.show("timeline"),
    n: () => app.show("nodes"),
    d: compareChosen,
    s: switchTheme,
    c: () => app.setFilter(app.filter === "critical" ? "all" : "critical"),
    f: () => view.surface?.zoomBy("fit"),
    "+": () => view.surface?.zoomBy("in"),
    "=": () => view.surface?.zoomBy("in"),
    "-": () => view.surface?.zoomBy("out"),
    "/": () => byId("query").select(),
    "?": showHelp,
    Escape: () => leave(event.target, view),
  }[event.key];
  if (simple) {
    if (event.key === "/") byId("query").focus();
    simple();
    return true;
  }
  if (event.target.closest("#details, #divider, [role=tablist], #filters")) return false;
  if (event.key === "Enter" && !event.target.matches("button, summary")) {
    byId("details").focus();
    return true;
  }
  if (!/^(Arrow|Page|Home|End)/.test(event.key)) return false;
  return stepped(view.step(event.key));
}

/** One step back: from the details to the view, from what is pinned, from what is chosen. */
function leave(from, view) {
  if (from.closest("#details") && app.selected) focusView(view);
  else if (app.pinned) app.pin(null);
  else app.select(null);
}

const focusView = (view) => (view.surface?.canvas ?? view.rows.element).focus({ preventScroll: true });

/** Goes where a view says: a selection, or the id of a node. */
function stepped(to) {
  if (to) app.select(typeof to === "string" ? { kind: "node", id: to } : to);
  return true;
}

function showHelp() {
  const dialog = byId("help");
  const list = make("dl", "keys");
  for (const [keys, does] of KEYS) {
    const sign = make("dt", "");
    for (const key of keys.split(" "))
      sign.append(key.length > 5 || key === "drag" ? ` ${key} ` : make("kbd", "", key));
    list.append(sign, make("dd", "", does));
  }
  dialog.replaceChildren(
    make(
      "div",
      "dialog-head",
      make("h2", "", "Keys"),
      button("close", () => dialog.close()),
    ),
    list,
  );
  dialog.showModal();
}
