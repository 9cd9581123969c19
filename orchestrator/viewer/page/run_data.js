// What is known of a run: entities by their id, what belongs to what, and filters. It draws nothing and fetches nothing.
//
//   picture?since=N ──▶ take() ──▶ nodes, threads, calls, decisions ──▶ nodesOfLayer, callsOf, children, ...

/** The entities of a picture, which grow while a run goes on. */
class RunData {
  constructor() {
    this.epoch = null;
    this.version = 0;
    this.live = false;
    this.run = null;
    this.nodes = new Map();
    this.threads = new Map();
    this.calls = new Map();
    this.decisions = new Map();
    this._derive();
  }

  /** Takes what is new, or with `whole` all there is in place of what was known; tells whether anything is new. */
  take(picture, { whole = false } = {}) {
    const isNew = whole || picture.version > this.version || this.run === null;
    if (whole) for (const known of [this.nodes, this.threads, this.calls, this.decisions]) known.clear();
    this.live = picture.live;
    this.version = picture.version;
    this.epoch = picture.epoch ?? null;
    this.run = picture.run;
    for (const node of picture.nodes) this.nodes.set(node.id, node);
    for (const thread of picture.threads) this.threads.set(thread.id, thread);
    for (const call of picture.calls) this.calls.set(call.id, call);
    for (const decision of picture.decisions) this.decisions.set(decision.path, decision);
    if (isNew) this._derive();
    return isNew;
  }

  /** The entity that a selection names, or nothing. */
  at({ kind, id }) {
    return { node: this.nodes, thread: this.threads, call: this.calls }[kind]?.get(id);
  }

  /** The selection that a click on a call's or thread's owner would make. */
  nodeOf({ kind, id }) {
    return kind === "node" ? id : this.at({ kind, id })?.node;
  }

  callsOf = (node) => this._callsOf.get(node) ?? [];
  callsOfThread = (path) => this._callsOfThread.get(path) ?? [];
  threadsOf = (node) => this._threadsOf.get(node) ?? [];
  children = (path) => this._children.get(path) ?? [];
  dependents = (id) => this._dependents.get(id) ?? [];

  /** What a node comes after: what it needs, or else the planner. */
  before = (node) => (node.depends.length || !this.planner || node === this.planner ? node.depends : [this.planner.id]);

  /** The nodes of the plan: planner and output are beside it. */
  get planned() {
    return [...this.nodes.values()].filter((node) => node.kind !== "planner" && node.kind !== "output");
  }

  /** What was decided at a thread, or for a node at any of its threads. */
  decisionsOf = ({ kind, id }) => (kind === "node" ? this._decisionsOfNode : this._decisionsOfThread).get(id) ?? [];

  /** Seconds that the axis of time has. */
  get seconds() {
    return Math.max(this.run.seconds ?? 0, this._lastEnd, 1e-3);
  }

  /** Whether somebody passed a thread over for others. */
  static isPruned = (thread) => thread.state === "passed-over";

  /** The filters: what each lets through of nodes and of threads. */
  static FILTERS = {
    all: { node: () => true, thread: () => true },
    failed: { node: (node) => node.state === "failed", thread: (thread) => thread.state === "failed" },
    running: { node: (node) => node.state === "running", thread: (thread) => thread.state === "running" },
    critical: {
      node: (node) => node.critical,
      thread: (thread, data) => Boolean(data.nodes.get(thread.node)?.critical && thread.chosen),
    },
    pruned: { node: (node, data) => data.threadsOf(node.id).some(RunData.isPruned), thread: RunData.isPruned },
  };

  /** How many nodes and threads a filter lets through. */
  counted(name) {
    const { node, thread } = RunData.FILTERS[name];
    let found = 0;
    if (name !== "pruned") for (const one of this.nodes.values()) found += node(one, this) ? 1 : 0;
    if (name !== "critical" && name !== "all")
      for (const one of this.threads.values()) found += thread(one, this) ? 1 : 0;
    return found;
  }

  _derive() {
    this._callsOf = grouped(this.calls.values(), (call) => call.node);
    this._callsOfThread = grouped(this.calls.values(), (call) => call.thread);
    this._threadsOf = grouped(this.threads.values(), (thread) => thread.node);
    this._children = grouped(this.threads.values(), (thread) => thread.parent);
    for (const group of this._children.values()) group.sort((one, other) => NAMES.compare(one.name, other.name));
    this._dependents = new Map();
    this._decisionsOfThread = grouped(this.decisions.values(), decidedAt);
    this._decisionsOfNode = grouped(this.decisions.values(), (one) => this._nodeAbove(decidedAt(one)));
    this._lastEnd = 0;
    for (const node of this.nodes.values()) {
      this._lastEnd = Math.max(this._lastEnd, node.end ?? 0, node.start ?? 0);
    }
    this.planner = [...this.nodes.values()].find((node) => node.kind === "planner") ?? null;
    for (const node of this.nodes.values())
      for (const before of this.before(node)) append(this._dependents, before, node.id);
    for (const node of this.nodes.values()) if (this._isSkipped(node)) node.state = "skipped";
    this.isCritical = [...this.nodes.values()].some((node) => node.critical);
    this.isCached = [...this.nodes.values()].some((node) => node.cached_share);
    this.isScored = [...this.threads.values()].some((one) => one.score !== null && one.score !== undefined);
    for (const calls of this._callsOf.values())
      calls.sort((one, other) => one.start - other.start || one.id - other.id);
    for (const call of this.calls.values()) this._lastEnd = Math.max(this._lastEnd, call.end ?? call.start);
    this.layers = layersOf(this.nodes.values());
    // It stands before all that it planned.
    if (this.planner) this.layers.unshift([this.planner]);
  }

  /** Whether a node never began, since something that it needs came to no result. */
  _isSkipped({ state, start, depends }) {
    const isMissing = (id) => ["failed", "cancelled", "skipped"].includes(this.nodes.get(id)?.state);
    return state === "cancelled" && start === null && depends.some(isMissing);
  }

  /** The node that a path belongs to: that of the next thread above it, or the one that it names. */
  _nodeAbove(path) {
    for (let at = path; at; at = at.slice(0, Math.max(0, at.lastIndexOf("/"))))
      if (this.threads.has(at)) return this.threads.get(at).node;
    return path.split("/")[1];
  }
}

/** The path of the thread in which something was decided: PATH#select-0. */
const decidedAt = ({ path }) => (path.includes("#") ? path.slice(0, path.lastIndexOf("#")) : path);

// step-9 comes before step-10.
const NAMES = new Intl.Collator("en", { numeric: true });

/** The nodes of each layer, in the order of their places. */
function layersOf(nodes) {
  const layers = [];
  for (const node of nodes) if (node.kind !== "planner") (layers[node.layer] ??= []).push(node);
  for (let layer = 0; layer < layers.length; layer++)
    layers[layer] = (layers[layer] ?? []).sort((one, other) => one.place - other.place);
  return layers;
}

function grouped(things, key) {
  const groups = new Map();
  for (const thing of things) append(groups, key(thing), thing);
  return groups;
}

function append(groups, key, thing) {
  const group = groups.get(key);
  if (group) group.push(thing);
  else groups.set(key, [thing]);
}

/** Seconds that something took or has taken so far; null for what has not begun, or waits for somebody outside. */
const took = ({ start, end, state }) =>
  start === null || start === undefined || state === "deferred" ? null : (end ?? app.data.seconds) - start;

/** All tokens of a usage, prompt and generated, or nothing where none is known. */
const tokensOf = (usage) => (usage ? usage.prompt_tokens + usage.generated_tokens : 0);

/** How much of the prompts a prefix cache had, or null where nobody told. */
function cachedShare(usage) {
  if (!usage || usage.cached_tokens === null || usage.cached_tokens === undefined || !usage.prompt_tokens) return null;
  return usage.cached_tokens / usage.prompt_tokens;
}

/** A node by its number in the plan and what it does, or by its name where that is all. */
const titleOfNode = (node) =>
  node.label && node.label !== node.id && node.kind !== "planner" && node.kind !== "output"
    ? `${node.id} · ${node.label}`
    : node.label || node.id;
