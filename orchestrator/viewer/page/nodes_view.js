// All nodes as a table that can be sorted: the graph and the timeline in text.

const began = (node) => node.start ?? Infinity;
const lasted = (node) => took(node) ?? -1;

/** The columns: title, what is sorted by, and what is shown; numbers stand right. */
const COLUMNS = [
  { title: "state", by: (node) => node.state, cell: (node) => stateSign(node.state, true) },
  { title: "node", by: (node) => node.id, cell: (node) => make("b", "", inLine(node.id, 80)) },
  { title: "what", by: (node) => node.what ?? node.kind, cell: (node) => inLine(node.what || node.kind, 60) },
  {
    title: "asked",
    by: (node) => told(node.asked ?? ""),
    cell: (node) => make("span", "soft", inLine(told(node.asked ?? ""), 160)),
  },
  { title: "begins", by: began, cell: (node) => (node.start === null ? "" : duration(node.start)), number: true },
  { title: "time", by: lasted, cell: (node) => (took(node) === null ? "" : duration(took(node))), number: true },
  {
    title: "calls",
    by: (node) => node.calls ?? 0,
    cell: (node) => (node.calls ? count(node.calls) : ""),
    number: true,
  },
  {
    title: "prompt",
    by: (node) => node.usage?.prompt_tokens ?? 0,
    cell: (node) => (node.usage?.prompt_tokens ? short(node.usage.prompt_tokens) : ""),
    number: true,
  },
  {
    title: "cached",
    by: (node) => node.cached_share ?? -1,
    cell: (node) => cachedBar(node.cached_share),
    number: true,
  },
  {
    title: "generated",
    by: (node) => node.usage?.generated_tokens ?? 0,
    cell: (node) => (node.usage?.generated_tokens ? short(node.usage.generated_tokens) : ""),
    number: true,
  },
];

const classOf = ({ title, number }) => `column-${title}${number ? " number" : ""}`;

/** A share of the prompt as a bar with its number; nothing where nobody told. */
function cachedBar(share) {
  if (share === null || share === undefined) return "";
  const bar = make("i", "bar");
  bar.style.width = `${100 * share}%`;
  return make("span", "cached", make("span", "track", bar), percent(share));
}

/** The table of nodes. */
class NodesView {
  constructor() {
    this.nodes = [];
    this.sorted = { column: COLUMNS[4], down: false };
    this.heads = make("div", "heads node-line");
    this.heads.setAttribute("role", "row");
    for (const column of COLUMNS) {
      const head = button(column.title, () => this._sort(column), classOf(column));
      head.title = `sort by ${column.title}`;
      head.setAttribute("role", "columnheader");
      this.heads.append(head);
    }
    this.rows = new Rows({
      role: "grid",
      label: "nodes",
      height: 28,
      heads: this.heads,
      fill: (row, index) => this._fill(row, this.nodes[index]),
      choose: (index) => app.select({ kind: "node", id: this.nodes[index].id }, { reveal: false }),
    });
    this.empty = make("p", "empty");
    byId("view-nodes").append(this.rows.element, this.empty);
  }

  refresh() {
    const { column, down } = this.sorted;
    const keys = new Map();
    this.nodes = [...app.data.nodes.values()].filter((node) => app.passes("node", node));
    for (const node of this.nodes) keys.set(node, column.by(node));
    this.nodes.sort((one, other) => compared(keys.get(one), keys.get(other)) * (down ? -1 : 1));
    this.rows.element.setAttribute("aria-rowcount", this.nodes.length);
    this.empty.textContent = this.nodes.length
      ? ""
      : app.data.nodes.size
        ? `No node is ${app.filter}.`
        : "There is no node yet.";
    for (const [at, head] of [...this.heads.children].entries()) {
      const isSorted = COLUMNS[at] === column;
      head.classList.toggle("sorted", isSorted);
      head.classList.toggle("down", isSorted && down);
      head.setAttribute("aria-sort", isSorted ? (down ? "descending" : "ascending") : "none");
    }
    this.rows.setLength(this.nodes.length);
    this.follow(false);
  }

  _sort(column) {
    const down = this.sorted.column === column ? !this.sorted.down : Boolean(column.number) && column !== COLUMNS[4];
    this.sorted = { column, down };
    this.refresh();
  }

  follow(reveal = true) {
    const id = app.selected ? app.data.nodeOf(app.selected) : undefined;
    this.rows.activate(
      this.nodes.findIndex((node) => node.id === id),
      reveal,
    );
  }

  step(key) {
    const by = {
      ArrowUp: -1,
      ArrowDown: 1,
      PageUp: -this.rows.perPage,
      PageDown: this.rows.perPage,
      Home: -Infinity,
      End: Infinity,
    }[key];
    if (by === undefined || !this.nodes.length) return null;
    const index = this.rows.active < 0 ? 0 : this.rows.active + by;
    return { kind: "node", id: this.nodes[Math.min(this.nodes.length - 1, Math.max(0, index))].id };
  }

  _fill(row, node) {
    row.setAttribute("role", "row");
    row.classList.add("node-line");
    if (node.critical) row.classList.add("is-critical");
    for (const column of COLUMNS) {
      const cell = make("span", classOf(column), column.cell(node));
      cell.setAttribute("role", "gridcell");
      row.append(cell);
    }
  }
}

function compared(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
