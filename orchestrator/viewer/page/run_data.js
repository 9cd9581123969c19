// What is known of a run: entities by their id, what belongs to what, and filters. It draws nothing and fetches nothing.
//
//   picture?since=N ──▶ take() ──▶ nodes, threads, calls, decisions ──▶ nodesOfLayer, callsOf, children, ...

/** The entities of a picture, which grow while a run goes on. */
class RunData {
  constructor() {
    this.version = 0;
    this.live = false;
    this.run = null;
    this.nodes = new Map();
    this.threads = new Map();
    this.calls = new Map();
    this.decisions = new Map();
    this._derive();
  }

  /** Takes what is new; tells whether anything is. */
  take(picture) {
    const isNew = picture.version > this.version || this.run === null;
    this.live = picture.live;
    this.version = picture.version;
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

  decisionsOf(path) {
    return [...this.decisions.values()].filter((one) => one.path === path || one.path.startsWith(`${path}#`));
  }

  /** Seconds that the axis of time has. */
  get seconds() {
    return Math.max(this.run.seconds ?? 0, this._lastEnd, 1e-3);
  }

  /** Whether somebody passed a thread over for others. */
  static isPruned = (thread) => thread.state === "passed-over";

  /** The filters: what each lets through of nodes and of threads. */
  static FILTERS = {
    all: { node: () => true, thread: () => true },
    failed: { node: (node) => FAILED.has(node.state), thread: (thread) => FAILED.has(thread.state) },
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
    this._lastEnd = 0;
    for (const node of this.nodes.values()) {
      this._lastEnd = Math.max(this._lastEnd, node.end ?? 0, node.start ?? 0);
      for (const before of node.depends) append(this._dependents, before, node.id);
    }
    for (const calls of this._callsOf.values())
      calls.sort((one, other) => one.start - other.start || one.id - other.id);
    for (const call of this.calls.values()) this._lastEnd = Math.max(this._lastEnd, call.end ?? call.start);
    this.layers = layersOf(this.nodes.values());
  }
}

// step-9 comes before step-10.
const NAMES = new Intl.Collator("en", { numeric: true });
const FAILED = new Set(["failed", "cancelled"]);

/** The nodes of each layer, in the order of their places. */
function layersOf(nodes) {
  const layers = [];
  for (const node of nodes) (layers[node.layer] ??= []).push(node);
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

/** All tokens of a usage, or nothing where none is known. */
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
