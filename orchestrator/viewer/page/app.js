// What the reader looks at: view, selection, filter and what is pinned for a comparison. Views listen, and nothing else
// knows more than one of them.

const VIEWS = ["plan", "threads", "timeline", "nodes"];

/** The state of the page; `changed` is told after every change, with what changed. */
const app = {
  data: new RunData(),
  texts: new Texts(),
  view: "plan",
  selected: null, // {kind, id}
  pinned: null,
  filter: "all",
  address: location.hash, // as it was last read or written
  _listeners: [],

  onChange(listener) {
    this._listeners.push(listener);
  },

  tell(what) {
    for (const listener of this._listeners) listener(what);
  },

  /** Chooses an entity, which the details then show; `reveal` brings it into sight. */
  select(selected, { reveal = true } = {}) {
    if (sameSelection(selected, this.selected)) return;
    this.selected = selected;
    this.revealing = reveal;
    this.tell("selection");
    writeAddress();
  },

  show(view) {
    if (view === this.view) return;
    this.view = view;
    this.tell("view");
    writeAddress();
  },

  setFilter(filter) {
    this.filter = filter;
    this.tell("filter");
  },

  pin(selected) {
    this.pinned = selected;
    this.tell("pinned");
  },

  /** Whether the filter lets an entity through. */
  passes(kind, entity) {
    return RunData.FILTERS[this.filter][kind](entity, this.data);
  },
};

const sameSelection = (one, other) => one === other || (one && other && one.kind === other.kind && one.id === other.id);
const isSelected = (kind, id) => app.selected !== null && app.selected.kind === kind && app.selected.id === id;

/** How a selection is called in one line. */
function nameOf(selected) {
  const entity = app.data.at(selected);
  if (!entity) return String(selected.id);
  if (selected.kind === "call") return `call ${entity.id} of ${entity.thread || entity.node}`;
  if (selected.kind === "thread") return `thread ${entity.id}`;
  return `node ${titleOfNode(entity)}`;
}

// ---------------------------------------------------------------- the address

/** Keeps view and selection in the address, so that it can be sent to somebody; browsers bear few changes a second. */
function writeAddress() {
  clearTimeout(app.writing);
  app.writing = setTimeout(writeAddressNow, 200);
}

function writeAddressNow() {
  // Somebody has just written another, of which the browser tells later.
  if (location.hash !== app.address) return;
  const told = new URLSearchParams({ view: app.view });
  if (app.selected) told.set(app.selected.kind, app.selected.id);
  history.replaceState(null, "", `#${told}`);
  app.address = location.hash;
}

/** Goes to what the address names; what it does not know is left as it is. */
function followAddress() {
  app.address = location.hash;
  const told = new URLSearchParams(location.hash.slice(1));
  const view = told.get("view");
  const kind = ["node", "thread", "call"].find((one) => told.has(one));
  if (VIEWS.includes(view)) app.show(view);
  else if (kind === "thread") app.show("threads");
  if (!kind) return;
  const id = kind === "call" ? Number(told.get(kind)) : told.get(kind);
  if (app.data.at({ kind, id })) app.select({ kind, id });
}
