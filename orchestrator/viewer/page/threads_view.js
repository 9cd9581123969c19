// Threads and searches as a tree: which were chosen, which scored what, and why some were passed over.

const THREAD_COLUMNS = ["thread", "score", "answer, or why not", "generated", "time"];

/** The tree of threads, by the nodes that they think for. */
class ThreadsView {
  constructor() {
    this.closed = new Set();
    this.lines = [];
    this.empty = make("p", "empty");
    const heads = make("div", "heads thread-line");
    const buttons = make(
      "span",
      "over",
      button("open all", () => this._openAll(true)),
      button("close all", () => this._openAll(false)),
    );
    heads.append(make("span", "", "thread", buttons));
    for (const name of THREAD_COLUMNS.slice(1)) heads.append(make("span", "", name));
    this.rows = new Rows({
      role: "tree",
      label: "threads",
      height: 28,
      heads,
      fill: (row, index) => this._fill(row, this.lines[index]),
      choose: (index, event) => this._choose(index, event),
    });
    byId("view-threads").append(this.rows.element, this.empty);
  }

  refresh() {
    const wanted = this._wanted();
    this.lines = [];
    this.ranges = new Map();
    const nodes = [...app.data.nodes.values()].filter((node) => app.data.threadsOf(node.id).length);
    nodes.sort((one, other) => one.layer - other.layer || one.place - other.place);
    for (const node of nodes) {
      const threads = app.data.threadsOf(node.id);
      const roots = threads.filter((one) => !app.data.threads.has(one.parent) && (!wanted || wanted.has(one.id)));
      if (!roots.length) continue;
      this.ranges.set(node.id, rangeOf(threads));
      const below = this._below(roots, wanted);
      this._add({ kind: "node", id: node.id, entity: node, depth: 0, children: below }, wanted);
    }
    this.rows.element.classList.toggle(
      "without-scores",
      [...this.ranges.values()].every(({ high }) => high === -Infinity),
    );
    const nothing = app.data.threads.size ? `No thread is ${app.filter}.` : "No node of this run thinks in threads.";
    this.empty.textContent = this.lines.length ? "" : nothing;
    this.rows.setLength(this.lines.length);
    this.follow(false);
  }

  /** The threads that the filter lets through, with all above them; nothing where it lets all through. */
  _wanted() {
    if (app.filter === "all") return null;
    const wanted = new Set();
    for (const thread of app.data.threads.values()) {
      if (!app.passes("thread", thread)) continue;
      for (let at = thread; at && !wanted.has(at.id); at = app.data.threads.get(at.parent)) wanted.add(at.id);
    }
    return wanted;
  }

  /** What stands below a node: the forks of its thread where that did nothing else, else its threads. */
  _below(roots, wanted) {
    const [root] = roots;
    const forks = app.data.children(root.id).filter((one) => !wanted || wanted.has(one.id));
    return roots.length === 1 && !root.calls && forks.length ? forks : roots;
  }

  /** Adds a line and all below it that are open; a chain of thousands of threads is no deep recursion. */
  _add(top, wanted) {
    const waiting = [top];
    while (waiting.length) {
      const line = waiting.pop();
      this.lines.push(line);
      if (this.closed.has(line.id)) continue;
      const below = line.children.map((entity, index) => ({
        kind: "thread",
        id: entity.id,
        entity,
        depth: line.depth + 1,
        place: [index + 1, line.children.length],
        children: app.data.children(entity.id).filter((one) => !wanted || wanted.has(one.id)),
      }));
      waiting.push(...below.reverse());
    }
  }

  /** Marks what is chosen; a call stands for its thread. */
  follow(reveal = true) {
    const chosen = app.selected;
    const id = chosen?.kind === "call" ? app.data.at(chosen)?.thread : chosen?.id;
    if (reveal && chosen?.kind === "thread") this._openTo(id);
    this.rows.activate(chosen ? this.lines.findIndex((line) => line.id === id) : -1, reveal);
  }

  _openTo(id) {
    const thread = app.data.threads.get(id);
    let opened = this.closed.delete(thread?.node);
    for (let at = app.data.threads.get(thread?.parent); at; at = app.data.threads.get(at.parent))
      opened = this.closed.delete(at.id) || opened;
    if (opened) this.refresh();
  }

  _openAll(open) {
    this.closed.clear();
    if (!open)
      for (const line of this.lines.filter((one) => one.kind === "node" || one.children.length))
        this.closed.add(line.id);
    this.refresh();
  }

  toggle(line, open = this.closed.has(line.id)) {
    if (open) this.closed.delete(line.id);
    else this.closed.add(line.id);
    this.refresh();
  }

  _choose(index, event) {
    const line = this.lines[index];
    if (event.target.closest(".toggle") && line.children.length) this.toggle(line);
    else app.select({ kind: line.kind, id: line.id }, { reveal: false });
  }

  /** What an arrow key goes to; left and right also open and close. */
  step(key) {
    const line = this.lines[this.rows.active];
    if (!line) return this.lines.length ? selectionOf(this.lines[0]) : null;
    const by = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -this.rows.perPage,
      PageDown: this.rows.perPage,
      Home: -Infinity,
      End: Infinity,
    }[key];
    if (by !== undefined)
      return selectionOf(this.lines[Math.min(this.lines.length - 1, Math.max(0, this.rows.active + by))]);
    const isOpen = line.children.length && !this.closed.has(line.id);
    if (key === "ArrowRight" && !isOpen) return line.children.length ? void this.toggle(line, true) : null;
    if (key === "ArrowRight") return selectionOf(this.lines[this.rows.active + 1]);
    if (isOpen) return void this.toggle(line, false);
    const above = this.lines.slice(0, this.rows.active).findLast((one) => one.depth < line.depth);
    return above ? selectionOf(above) : null;
  }

  _fill(row, line) {
    const { entity } = line;
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", line.depth + 1);
    if (line.children.length) row.setAttribute("aria-expanded", String(!this.closed.has(line.id)));
    if (line.place)
      for (const [at, name] of ["aria-posinset", "aria-setsize"].entries()) row.setAttribute(name, line.place[at]);
    row.classList.add("thread-line", line.kind === "node" ? "of-node" : "of-thread");
    if (entity.chosen) row.classList.add("is-chosen");
    if (RunData.isPruned(entity)) row.classList.add("is-pruned");
    const cells = this.cellsOf(line);
    const sign = line.children.length ? (this.closed.has(line.id) ? "▸" : "▾") : "";
    cells[0].prepend(make("span", "toggle", sign));
    cells[0].style.setProperty("--depth", Math.min(line.depth, 24));
    row.append(...cells);
  }

  /** What a line says: name, score, answer, tokens and time. */
  cellsOf({ kind, entity }) {
    const name = make("span", "name", stateSign(entity.state));
    if (kind === "node") name.append(make("b", "", shown(titleOfNode(entity))));
    else name.append(entity.chosen ? make("span", "star", "★") : "", make("span", "", shown(entity.name || entity.id)));
    if (entity.chosen) name.querySelector(".star").title = "chosen";
    return [name, ...(kind === "node" ? this._ofNode(entity) : this._ofThread(entity)), ...costsOf(entity)];
  }

  _ofNode(node) {
    const threads = app.data.threadsOf(node.id).filter((one) => app.data.callsOfThread(one.id).length);
    const pruned = threads.filter(RunData.isPruned).length;
    // Workers that share a cache are all of one call.
    const workers = app.data.callsOf(node.id).reduce((most, call) => Math.max(most, call.workers), 1);
    const number = workers > 1 ? counted(workers, "worker") : counted(threads.length, "thread");
    return [
      make("span", ""),
      make(
        "span",
        "soft",
        [inLine(node.what || node.kind, 40), number, pruned ? `${count(pruned)} passed over` : ""]
          .filter(Boolean)
          .join(" · "),
      ),
    ];
  }

  _ofThread(thread) {
    const value = thread.value === null || thread.value === undefined ? "" : inLine(told(thread.value), 200);
    const reason = thread.reason
      ? make("span", thread.state === "ok" ? "soft" : `why of-${thread.state}`, inLine(thread.reason, 200))
      : "";
    const said = make("span", "said", value, value && reason ? " · " : "", reason);
    said.title = [value, thread.reason && visible(thread.reason)].filter(Boolean).join("\n");
    return [scoreBar(thread.score, this.ranges.get(thread.node)), said];
  }
}

const selectionOf = (line) => ({ kind: line.kind, id: line.id });

/** Lowest and highest score, from nought where all are above it. */
function rangeOf(threads) {
  let [low, high] = [0, -Infinity];
  for (const { score } of threads) {
    if (score === null || score === undefined) continue;
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return { low, high };
}

/** A score as a bar with its number. */
function scoreBar(score, { low, high }) {
  const whole = make("span", "score");
  if (score === null || score === undefined) return whole;
  const bar = make("i", "bar");
  bar.style.width = `${high > low ? Math.max(3, (100 * (score - low)) / (high - low)) : 100}%`;
  whole.append(make("span", "track", bar), make("span", "number", scoreText(score)));
  return whole;
}

/** Generated tokens and time, as the last two columns. */
function costsOf(entity) {
  const tokens = entity.usage?.generated_tokens;
  return [
    make("span", "number", tokens ? short(tokens) : ""),
    make("span", "number", took(entity) === null ? "" : duration(took(entity))),
  ];
}
