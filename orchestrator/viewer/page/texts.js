// The whole texts, which are read when somebody asks: from the server, or from the block in the file.

/** Texts by key, and a search through them. */
class Texts {
  constructor() {
    this._packed = byId("texts").textContent.trim();
    this._known = new Map();
  }

  /** What there is to read under a key: turns and output of a call, arguments and output of a tool, text of a plan. */
  async read(key) {
    if (!this._known.has(key)) {
      const text = await (this._packed ? this._fromFile(key) : fetched(`text/${encodeURIComponent(key)}`));
      this._known.set(key, text);
      // Nobody looks at very many, and a long run has gigabytes of them.
      if (this._known.size > 200) this._known.delete(this._known.keys().next().value);
    }
    return this._known.get(key);
  }

  /** Keys with a snippet around what was found, at most so many. */
  async search(query, most) {
    if (!this._packed) return (await fetched(`search?q=${encodeURIComponent(query)}`)).hits.slice(0, most);
    const { pieces, texts } = await this._block();
    const wanted = query.toLowerCase();
    const hits = [];
    const seen = new Set();
    const look = (key, text) => {
      const at = hits.length < most && hits.at(-1)?.key !== key ? text.toLowerCase().indexOf(wanted) : -1;
      if (at >= 0) hits.push({ key, snippet: around(text, at, query.length) });
    };
    for (const [key, text] of Object.entries(texts)) {
      look(key, wordsIn(text));
      seen.add(text.piece);
      // What contexts share is looked at once, and told of the first text that has it.
      for (let at = text.context ?? -1; at >= 0 && !seen.has(at); at = pieces[at][0]) {
        seen.add(at);
        look(key, pieces[at][2]);
      }
    }
    return hits;
  }

  async _fromFile(key) {
    const { pieces, texts } = await this._block();
    const text = texts[key];
    if (text?.context === undefined || text.context === null) return text;
    const turns = [];
    for (let at = text.context; at >= 0; at = pieces[at][0]) {
      const [, role, words, fork] = pieces[at];
      turns.push({ role, text: words, fork });
    }
    return { ...text, turns: turns.reverse() };
  }

  _block() {
    this._unpacked ??= unpacked(this._packed).then(withOutputs);
    return this._unpacked;
  }
}

/** What contexts went on from is in the file once, as a piece of theirs: the texts get it back. */
function withOutputs(block) {
  for (const text of Object.values(block.texts))
    if (text.piece !== undefined) text.output = block.pieces[text.piece][2];
  return block;
}

/** All that a text says but for the contexts that it shares. */
const wordsIn = (text) =>
  [...(text.turns ?? []).map((turn) => turn.text), told(text.arguments ?? ""), told(text.output ?? "")].join("\n");

/** The JSON in base64 of gzip. */
async function unpacked(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** The JSON that the server gives at an address beside the page. */
async function fetched(address) {
  const response = await fetch(address, { cache: "no-store" });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

/** A little of a text around a place. */
function around(text, at, length) {
  const from = Math.max(0, at - 40);
  return `${from ? "…" : ""}${inLine(text.slice(from, at + length + 80), 140)}`;
}
