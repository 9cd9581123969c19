// What ran when: a row for each node, with its calls in lanes below, over an axis of seconds and the tokens in flight.
//
//              0 s      2 s      4 s
//   in flight  ▁▂▅▅▅▇▇▅▅▂▁
//   critical   [search ][ 7   ][ 9 ]    what the run waited for, one after another
//   search     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇          the node
//              ▂▂▂▂▂ ▂▂▂▂▂▂▂▂▂          its calls, as many lanes as ran side by side

const ROW = { bar: 16, lane: 9, gap: 9 };
const AXIS = 24;
const CHART = 46;
const RESUMED = "resumed";

/** Draws the timeline and knows what lies where. */
class TimelineView {
  constructor() {
    this.rows = [];
    this.flight = [];
    this.surface = new Surface(byId("timeline"), this);
    this.band = new CriticalBand(this.surface, AXIS + CHART);
    this.surface.top = AXIS + CHART + BAND.whole;
  }

  refresh() {
    const started = [...app.data.nodes.values()].filter((node) => node.start !== null);
    started.sort((one, other) => one.start - other.start || one.layer - other.layer || one.place - other.place);
    let y = 4;
    this.rows = started.map((node) => {
      const lanes = packed(app.data.callsOf(node.id));
      const row = { node, lanes, y, height: ROW.bar + lanes.length * ROW.lane + ROW.gap };
      y += row.height;
      return row;
    });
    this.rowOf = new Map(this.rows.map((row) => [row.node.id, row]));
    this.height = y;
    this.band.take(started.filter((node) => node.critical));
    this.flight = inFlight(app.data.calls.values());
    if (!this.surface.touched) this.fit();
    this.clamp();
    this.surface.redraw();
  }

  resized() {
    this.surface.left = this.surface.width < 640 ? 110 : 190;
    if (!this.surface.touched) this.fit();
  }

  limits() {
    const whole = this._whole();
    return { least: whole / 2, most: Math.max(whole * 4, 20_000), vertical: false };
  }

  _whole() {
    if (!app.data.run) return 1;
    return Math.max(50, this.surface.width - this.surface.left - 24) / app.data.seconds;
  }

  fit() {
    this.surface.scaleX = this._whole();
    this.surface.x = this.surface.y = 0;
  }

  clamp() {
    const { surface } = this;
    const most = Math.max(0, this.height - (surface.height - surface.top));
    surface.y = Math.min(most, Math.max(0, surface.y));
    const seen = (surface.width - surface.left) / surface.scaleX;
    surface.x = Math.min(Math.max(0, app.data.seconds - seen * 0.5), Math.max(-seen * 0.1, surface.x));
  }

  reveal(selected) {
    const { surface } = this;
    const row = this.rowOf?.get(app.data.nodeOf(selected));
    if (!row || !surface.width) return;
    const [top, room] = [row.y - surface.y, surface.height - surface.top];
    if (top < 0 || top + Math.min(row.height, room) > room) surface.y = row.y - room / 3;
    const { start, end } = app.data.at(selected);
    const [from, to] = [surface.screenX(start ?? 0), surface.screenX(end ?? app.data.seconds)];
    if (to < surface.left || from > surface.width)
      surface.x = (start ?? 0) - (surface.width - surface.left) / surface.scaleX / 3;
    this.clamp();
  }

  // -------------------------------------------------------------- what lies where

  /** The rows in sight. */
  _visible() {
    const from = this.surface.y;
    const to = from + this.surface.height - this.surface.top;
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].y + this.rows[middle].height < from) low = middle + 1;
      else high = middle;
    }
    const rows = [];
    for (let at = low; at < this.rows.length && this.rows[at].y < to; at++) rows.push(this.rows[at]);
    return rows;
  }

  _hit(x, y) {
    const { surface } = this;
    if (y < surface.top) return this.band.at(x, y);
    const down = surface.worldY(y);
    const row = this._visible().find((one) => down >= one.y && down < one.y + one.height);
    if (!row) return null;
    const lane = row.lanes[Math.floor((down - row.y - ROW.bar) / ROW.lane)];
    const time = surface.worldX(x);
    const close = 2 / surface.scaleX;
    const call =
      x > surface.left &&
      lane?.find((one) => time >= one.start - close && time <= (one.end ?? app.data.seconds) + close);
    return call ? { kind: "call", id: call.id } : { kind: "node", id: row.node.id };
  }

  click(x, y) {
    app.select(this._hit(x, y), { reveal: false });
  }

  hover(x, y) {
    const hit = this._hit(x, y);
    if (!hit) return null;
    if (hit.kind === "node") {
      const node = app.data.nodes.get(hit.id);
      return [titleOfNode(node), nodeLine(node), node.reason];
    }
    const call = app.data.calls.get(hit.id);
    return [call.thread || nameOf(hit), callLine(call), call.preview && inLine(call.preview)];
  }

  /** What an arrow key goes to: the row above or below, or the call before or after. */
  step(key) {
    const node = app.selected ? app.data.nodeOf(app.selected) : undefined;
    const index = this.rows.indexOf(this.rowOf?.get(node));
    if (index < 0) return this.rows.length ? { kind: "node", id: this.rows[0].node.id } : null;
    if (key === "ArrowUp" || key === "ArrowDown") {
      const row = this.rows[index + (key === "ArrowUp" ? -1 : 1)];
      return row ? { kind: "node", id: row.node.id } : null;
    }
    const calls = app.data.callsOf(node);
    const at = app.selected.kind === "call" ? calls.findIndex((call) => call.id === app.selected.id) : -1;
    const call = calls[key === "ArrowLeft" ? Math.max(0, at) - 1 : at + 1];
    if (call) return { kind: "call", id: call.id };
    return key === "ArrowLeft" ? { kind: "node", id: node } : null;
  }

  // -------------------------------------------------------------- drawing

  draw(context) {
    const { surface } = this;
    if (!app.data.run) return;
    this.drawn = { rows: 0, calls: 0, stars: 0, lives: [] };
    const ticks = ticksOf(
      surface.worldX(surface.left),
      surface.worldX(surface.width),
      (surface.width - surface.left) / 90,
    );
    this._grid(context, ticks);
    context.save();
    context.beginPath();
    context.rect(0, surface.top, surface.width, surface.height - surface.top);
    context.clip();
    for (const row of this._visible()) this._drawRow(context, row);
    context.restore();
    this._drawChart(context);
    this.band.draw(context);
    this._drawLives(context);
    this._axis(context, ticks);
  }

  _grid(context, ticks) {
    const { surface } = this;
    context.fillStyle = COLOURS.rule;
    for (const tick of ticks) context.fillRect(Math.round(surface.screenX(tick)), AXIS, 1, surface.height);
  }

  /** Where the run was resumed, with the word for it. */
  _drawLives(context) {
    const { surface } = this;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    const width = context.measureText(RESUMED).width + 8;
    for (const life of app.data.run.lives ?? []) {
      const x = Math.round(surface.screenX(life));
      if (x < surface.left || x > surface.width) continue;
      const from = Math.min(x, surface.width - width);
      context.fillStyle = COLOURS.link;
      context.fillRect(x, AXIS, 1.5, surface.height);
      context.fillRect(from, AXIS - 1, width, 15);
      context.fillStyle = COLOURS.sheet;
      context.fillText(RESUMED, from + 4, AXIS + 7);
      this.drawn.lives.push({ x, from });
    }
  }

  _drawRow(context, row) {
    const { surface } = this;
    const { node } = row;
    const y = surface.screenY(row.y);
    const alpha = app.passes("node", node) ? 1 : 0.2;
    this.drawn.rows++;
    context.globalAlpha = alpha;
    if (isSelected("node", node.id)) {
      context.fillStyle = COLOURS.tint;
      context.fillRect(0, y - 3, surface.width, row.height - 1);
      context.fillStyle = COLOURS.link;
      context.fillRect(0, y - 3, 3, row.height - 1);
    }
    context.save();
    context.beginPath();
    context.rect(surface.left, 0, surface.width, surface.height);
    context.clip();
    this._bar(context, node.start, node.end, y, ROW.bar, colourOf(node.state));
    this._inBar(context, node, y);
    row.lanes.forEach((lane, index) => this._drawLane(context, lane, y + ROW.bar + index * ROW.lane + 2, alpha));
    context.restore();
    this._label(context, node, y);
    context.globalAlpha = 1;
  }

  _bar(context, start, end, y, height, colour) {
    const x = this.surface.screenX(start);
    const width = Math.max(2, this.surface.screenX(end ?? app.data.seconds) - x);
    context.fillStyle = colour;
    context.fillRect(x, y, width, height);
    if (end === null) {
      // It goes on.
      context.fillStyle = COLOURS.ink;
      context.fillRect(x + width - 2, y, 2, height);
    }
  }

  _inBar(context, node, y) {
    const from = Math.max(this.surface.screenX(node.start), this.surface.left) + 6;
    const room = Math.min(this.surface.screenX(node.end ?? app.data.seconds), this.surface.width) - from - 4;
    if (room < 40) return;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    context.fillStyle = COLOURS.sheet;
    context.fillText(cutTo(context, nodeLine(node), room), from, y + ROW.bar / 2 + 0.5);
  }

  _drawLane(context, lane, y, alpha) {
    const { surface } = this;
    if (y > surface.height || y + ROW.lane < surface.top) return;
    const [from, to] = [surface.worldX(surface.left), surface.worldX(surface.width)];
    let low = 0;
    let high = lane.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lane[middle].end ?? Infinity) < from) low = middle + 1;
      else high = middle;
    }
    for (let at = low, edge = -1; at < lane.length && lane[at].start <= to; at++) {
      const call = lane[at];
      const right = surface.screenX(call.end ?? app.data.seconds);
      // What lies within a pixel that has its colour already is not drawn again.
      if (right < edge && !isOfSelected(call)) continue;
      edge = right + 0.5;
      this.drawn.calls++;
      const chosen = isOfSelected(call);
      context.globalAlpha = chosen ? 1 : alpha * (call.replayed ? 0.35 : 0.62);
      this._bar(context, call.start, call.end, y, ROW.lane - 2, chosen ? COLOURS.link : colourOf(call.state));
      if (app.data.threads.get(call.thread)?.chosen) this._star(context, call, y);
    }
    context.globalAlpha = alpha;
  }

  /** Marks a call of a thread that its method chose. */
  _star(context, call, y) {
    const [from, to] = [this.surface.screenX(call.start), this.surface.screenX(call.end ?? app.data.seconds)];
    context.globalAlpha = 1;
    context.fillStyle = COLOURS.ink;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    context.fillText("★", Math.max(from, to) + 2, y + ROW.lane / 2 - 1);
    this.drawn.stars++;
  }

  _label(context, node, y) {
    context.textBaseline = "middle";
    context.font = `${node.critical ? 600 : 400} 12px ${FONT}`;
    context.fillStyle = COLOURS.ink;
    context.fillText(cutTo(context, inLine(titleOfNode(node)), this.surface.left - 34), 26, y + ROW.bar / 2);
    context.fillStyle = colourOf(node.state);
    context.fillText(SIGNS[node.state] ?? "·", 10, y + ROW.bar / 2);
  }

  /** Tokens in flight: of each pixel the highest. */
  _drawChart(context) {
    const { surface, flight } = this;
    const highest = flight.reduce((most, one) => Math.max(most, one.tokens), 0);
    context.fillStyle = COLOURS.paper;
    context.fillRect(0, 0, surface.width, AXIS);
    const base = AXIS + CHART - 6;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    context.fillStyle = COLOURS.soft;
    context.fillText(
      cutTo(context, `tokens in flight, at most ${short(highest)}`, surface.left - 16),
      10,
      AXIS + CHART / 2,
    );
    context.globalAlpha = 0.4;
    context.fillStyle = COLOURS.cached;
    let at = 0;
    let tokens = 0;
    for (let x = surface.left; highest && x < surface.width; x++) {
      const until = surface.worldX(x + 1);
      let most = tokens;
      for (; at < flight.length && flight[at].time <= until; at++) most = Math.max(most, (tokens = flight[at].tokens));
      const height = Math.round(((CHART - 12) * most) / highest);
      if (height && x >= surface.screenX(0)) context.fillRect(x, base - height, 1, height);
    }
    context.globalAlpha = 1;
    context.fillStyle = COLOURS.rule;
    context.fillRect(0, AXIS + CHART - 4, surface.width, 1);
    context.fillRect(surface.left - 1, AXIS, 1, surface.height);
  }

  _axis(context, ticks) {
    const { surface } = this;
    context.font = `11px ${FONT}`;
    context.textBaseline = "middle";
    context.fillStyle = COLOURS.soft;
    const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
    for (const tick of ticks)
      if (tick >= 0) context.fillText(tickText(tick, step), surface.screenX(tick) + 3, AXIS / 2 + 2);
  }
}

/** Whether a call is what somebody chose to look at, or of the thread that is. */
const isOfSelected = (call) => isSelected("call", call.id) || isSelected("thread", call.thread);

/** Calls in as few lanes as there were side by side. */
function packed(calls) {
  const lanes = [];
  for (const call of calls) {
    const lane = lanes.find((one) => one.at(-1).end !== null && one.at(-1).end <= call.start);
    if (lane) lane.push(call);
    else lanes.push([call]);
  }
  return lanes;
}

/** The tokens of all calls that run, after each time at which that changes. */
function inFlight(calls) {
  const changes = [];
  for (const call of calls) {
    const tokens = tokensOf(call.usage);
    if (!tokens || call.replayed) continue;
    changes.push({ time: call.start, tokens });
    if (call.end !== null) changes.push({ time: call.end, tokens: -tokens });
  }
  changes.sort((one, other) => one.time - other.time || one.tokens - other.tokens);
  let sum = 0;
  return changes.map(({ time, tokens }) => ({ time, tokens: (sum += tokens) }));
}

/** Round numbers between two, about so many. */
function ticksOf(from, to, wanted) {
  const raw = (to - from) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((one) => one * power >= raw) * power;
  const ticks = [];
  for (let at = Math.ceil(from / step); at * step <= to; at++) ticks.push(at * step);
  return ticks;
}

function tickText(seconds, step) {
  if (step < 1e-3) return `${(seconds * 1e3).toFixed(2)} ms`;
  if (step < 1) return `${seconds.toFixed(Math.max(0, Math.ceil(-Math.log10(step))))} s`;
  return seconds < 60 ? `${Math.round(seconds)} s` : duration(seconds);
}

/** How a call ended, how long it took and what it cost, in one line. */
function callLine(call) {
  const usage = call.usage;
  const cached = cachedShare(usage);
  return [
    call.state === "stop" ? "" : call.state,
    duration((call.end ?? app.data.seconds) - call.start),
    usage && call.end !== null
      ? `${count(usage.prompt_tokens)} prompt, ${count(usage.generated_tokens)} generated`
      : "",
    cached === null ? "" : `${percent(cached)} cached`,
    call.replayed ? "replayed" : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
