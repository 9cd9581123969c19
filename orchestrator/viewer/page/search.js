// A search over everything: ids, labels and what the page holds at once, whole texts after that.

const MOST_HITS = 60;

/** The field, and the list of what was found. */
class Search {
  constructor() {
    this.hits = [];
    this.active = -1;
    this.field = byId("query");
    this.list = byId("hits");
    this.field.addEventListener("input", () => {
      clearTimeout(this._waiting);
      this.active = -1;
      this._waiting = setTimeout(() => this.run(), 120);
    });
    this.field.addEventListener("focus", () => this.hits.length && this._open(true));
    this.field.addEventListener("keydown", (event) => this._key(event));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const hit = event.target.closest("[role=option]");
      if (hit) this._go(Number(hit.dataset.index));
    });
    this.field.addEventListener("blur", () => this._open(false));
  }

  async run() {
    const query = this.field.value.trim();
    this._asked = query;
    if (!query) {
      this._show([], "");
      return this._open(false);
    }
    const here = foundHere(query.toLowerCase());
    this._show(here, "searching in texts…");
    this._reading = this._inTexts(query, here);
    const told = await this._reading;
    // Somebody has typed on meanwhile.
    if (this._asked === query) this._show(this.hits, told);
  }

  async _inTexts(query, here) {
    try {
      const seen = new Set(here.map((hit) => `${hit.selected.kind} ${hit.selected.id}`));
      const owners = ownersOfTexts();
      const found = [];
      for (const { key, snippet } of await app.texts.search(query, MOST_HITS)) {
        const selected = owners.get(key);
        if (selected && !seen.has(`${selected.kind} ${selected.id}`)) found.push({ selected, snippet });
      }
      if (this._asked !== query) return "";
      this.hits = [...here, ...found].slice(0, 2 * MOST_HITS);
      return this.hits.length
        ? `${count(this.hits.length)}${this.hits.length >= MOST_HITS ? " or more" : ""} found`
        : "nothing found";
    } catch (error) {
      return `texts cannot be searched: ${error.message}`;
    }
  }

  _show(hits, said) {
    this.hits = hits;
    this.active = Math.min(this.active, hits.length - 1);
    byId("told").textContent = said;
    this.list.replaceChildren(...hits.map((hit, index) => this._line(hit, index)));
    this._open(document.activeElement === this.field);
    this._mark();
  }

  _line({ selected, snippet }, index) {
    const entity = app.data.at(selected);
    const title = make(
      "span",
      "grow",
      make("b", "", shown(inLine(nameOf(selected), 80))),
      make("span", "soft", shown(snippet ?? "")),
    );
    const line = make("div", "hit", stateSign(entity.state), title);
    line.id = `hit-${index}`;
    line.dataset.index = index;
    line.setAttribute("role", "option");
    return line;
  }

  _open(open) {
    const isOpen = open && Boolean(this.field.value.trim());
    byId("found").hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
  }

  _mark() {
    [...this.list.children].forEach((line, at) => line.setAttribute("aria-selected", String(at === this.active)));
    const line = this.list.children[this.active];
    line?.scrollIntoView({ block: "nearest" });
    if (line) this.field.setAttribute("aria-activedescendant", line.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  _key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && this.hits.length) this.active = (this.active + by + this.hits.length) % this.hits.length;
    else if (event.key === "Enter") this._enter();
    else if (event.key === "Escape") this.field.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
    this._mark();
  }

  /** Goes to what is marked, or else to the first of what is found; who types fast does not wait for the list. */
  async _enter() {
    clearTimeout(this._waiting);
    if (this.field.value.trim() !== this._asked) {
      this.active = -1;
      this.run();
    }
    // Names are found at once; texts are waited for where there is none.
    if (!this.hits.length) await this._reading;
    this._go(Math.max(0, this.active));
  }

  _go(index) {
    const hit = this.hits[index];
    if (!hit) return;
    this.field.blur();
    if (hit.selected.kind === "thread" && app.view !== "threads") app.show("threads");
    app.select(hit.selected);
    byId("details").focus({ preventScroll: true });
  }
}

/** What of the page's own data holds a text in small letters: names first. */
function foundHere(wanted) {
  const holds = (value) => value !== null && value !== undefined && told(value).toLowerCase().includes(wanted);
  const [named, said] = [[], []];
  const look = (kind, entity, names, texts) => {
    if (named.length >= MOST_HITS) return;
    const selected = { kind, id: entity.id };
    if (names.some(holds)) named.push({ selected, snippet: "" });
    else if (said.length < MOST_HITS) {
      const text = texts.find(holds);
      if (text !== undefined)
        said.push({ selected, snippet: around(told(text), told(text).toLowerCase().indexOf(wanted), wanted.length) });
    }
  };
  for (const node of app.data.nodes.values())
    look("node", node, [node.id, node.label, node.what], [node.asked, node.result, node.reason]);
  for (const thread of app.data.threads.values()) look("thread", thread, [thread.id], [thread.value, thread.reason]);
  for (const call of app.data.calls.values())
    look("call", call, [], [call.preview, ...(call.notices ?? []).map((notice) => notice.reason)]);
  return [...named, ...said].slice(0, MOST_HITS);
}

/** Which call or node a text belongs to. */
function ownersOfTexts() {
  const owners = new Map();
  for (const node of app.data.nodes.values()) if (node.text) owners.set(node.text, { kind: "node", id: node.id });
  for (const call of app.data.calls.values()) if (call.text) owners.set(call.text, { kind: "call", id: call.id });
  return owners;
}
