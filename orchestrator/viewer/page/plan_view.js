// The plan as a graph, from left to right: a column for each layer, a block of columns for a layer of very many nodes.
// Only what is in sight is drawn: nodes are found by their place, and edges are left out by their corners.

const CARD = { width: 264, height: 46, across: 60, beside: 26, below: 14 };
const MOST_IN_COLUMN = 40;
// Below this scale no label can be read.
const FAR = 0.24;

/** Draws the graph and knows where each node lies. */
class PlanView {
  constructor() {
    this.at = new Map(); // id -> {x, y}
    this.blocks = [];
    this.edges = [];
    this.surface = new Surface(byId("plan"), this);
  }

  /** Lays out anew after the data have changed. */
  refresh() {
    this.at.clear();
    this.blocks = blocksOf(app.data.layers);
    const tallest = Math.max(0, ...this.blocks.map((block) => block.height));
    for (const block of this.blocks) {
      block.y = (tallest - block.height) / 2;
      block.nodes.forEach((node, index) => this.at.set(node.id, placeIn(block, index)));
    }
    this.edges = edgesOf(app.data.nodes.values(), this.at, this.blocks);
    const last = this.blocks.at(-1);
    this.extent = { width: last ? last.x + last.width : 1, height: tallest || 1 };
    if (!this.surface.touched) this.fit();
    this.surface.redraw();
  }

  resized() {
    if (!this.surface.touched) this.fit();
  }

  limits() {
    return { least: Math.min(this._whole(), 0.05), most: 2.5, vertical: true };
  }

  fit() {
    const { surface, extent } = this;
    if (!surface.width || !extent) return;
    surface.scaleX = surface.scaleY = Math.min(1.15, this._whole());
    surface.x = (extent.width - surface.width / surface.scaleX) / 2;
    surface.y = (extent.height - surface.height / surface.scaleY) / 2;
  }

  _whole() {
    const room = (pixels) => Math.max(60, pixels - 56);
    if (!this.extent) return 1;
    return Math.min(room(this.surface.width) / this.extent.width, room(this.surface.height) / this.extent.height);
  }

  /** Brings a node into sight, near enough to be read. */
  reveal(id) {
    const place = this.at.get(id);
    const { surface } = this;
    if (!place || !surface.width) return;
    if (surface.scaleX < 0.3) surface.scaleX = surface.scaleY = 0.8;
    const [left, top] = [surface.screenX(place.x), surface.screenY(place.y)];
    const [width, height] = [CARD.width * surface.scaleX, CARD.height * surface.scaleY];
    if (left >= 8 && top >= 8 && left + width <= surface.width - 8 && top + height <= surface.height - 8) return;
    surface.x = place.x + CARD.width / 2 - surface.width / 2 / surface.scaleX;
    surface.y = place.y + CARD.height / 2 - surface.height / 2 / surface.scaleY;
    surface.touched = true;
  }

  // -------------------------------------------------------------- what lies where

  nodeAt(x, y) {
    const [worldX, worldY] = [this.surface.worldX(x), this.surface.worldY(y)];
    for (const block of this.blocks) {
      const column = Math.floor((worldX - block.x) / (CARD.width + CARD.beside));
      const row = Math.floor((worldY - block.y) / (CARD.height + CARD.below));
      if (column < 0 || column >= block.columns || row < 0 || row >= block.rows) continue;
      const node = block.nodes[column * block.rows + row];
      const place = node && this.at.get(node.id);
      if (place && worldX <= place.x + CARD.width && worldY <= place.y + CARD.height) return node;
    }
    return null;
  }

  click(x, y) {
    const node = this.nodeAt(x, y);
    app.select(node ? { kind: "node", id: node.id } : null, { reveal: false });
  }

  hover(x, y) {
    const node = this.nodeAt(x, y);
    return node && [titleOfNode(node), nodeLine(node), node.reason];
  }

  /** The node an arrow key goes to: along edges, or to the neighbour in the layer. */
  step(key) {
    const node = app.data.nodes.get(app.selected ? app.data.nodeOf(app.selected) : undefined);
    if (!node) return app.data.layers.find((layer) => layer.length)?.[0]?.id;
    const siblings = app.data.layers.find((layer) => layer.includes(node));
    const index = siblings.indexOf(node);
    if (key === "ArrowUp") return siblings[index - 1]?.id;
    if (key === "ArrowDown") return siblings[index + 1]?.id;
    const ids = key === "ArrowLeft" ? app.data.before(node) : app.data.dependents(node.id);
    const known = ids.filter((id) => app.data.nodes.has(id));
    return known.find((id) => app.data.nodes.get(id).critical) ?? known[0];
  }

  // -------------------------------------------------------------- drawing

  draw(context) {
    this.drawn = { nodes: 0, edges: 0, labels: 0 };
    const { surface } = this;
    const sight = {
      left: surface.worldX(0),
      right: surface.worldX(surface.width),
      top: surface.worldY(0),
      bottom: surface.worldY(surface.height),
    };
    this._drawEdges(context, sight);
    const nodes = this.blocks.flatMap((block) => [...inSight(block, sight)]);
    this.drawn.nodes = nodes.length;
    if (surface.scaleX < FAR) this._drawSmall(context, nodes);
    else for (const node of nodes) this._drawCard(context, node);
    context.globalAlpha = 1;
  }

  _drawEdges(context, sight) {
    const chosen = app.selected ? app.data.nodeOf(app.selected) : undefined;
    const groups = { other: [], planned: [], critical: [], chosen: [] };
    for (const edge of this.edges) {
      if (edge.x2 < sight.left || edge.x1 > sight.right) continue;
      if (edge.bottom < sight.top || edge.top > sight.bottom) continue;
      const isChosen = edge.from === chosen || edge.to === chosen;
      const group = isChosen ? "chosen" : edge.critical ? "critical" : edge.planned ? "planned" : "other";
      groups[group].push(edge);
    }
    const far = this.surface.scaleX < FAR;
    const others = far ? this._thinned(groups.other) : groups.other;
    // The more there are, the less one of them says.
    const alpha = Math.max(0.06, 0.5 * Math.min(1, Math.sqrt(150 / others.length)));
    this._stroke(context, others, COLOURS.soft, 1, app.filter === "all" ? alpha : alpha / 3);
    context.setLineDash([4, 3]);
    this._stroke(context, far ? this._thinned(groups.planned) : groups.planned, COLOURS.soft, 1, alpha);
    context.setLineDash([]);
    this._stroke(context, groups.critical, COLOURS.critical, 2, 0.9);
    this._stroke(context, groups.chosen, COLOURS.link, 2, 1);
  }

  /** Of edges that would cover each other one; they are told apart by the pixels at their ends. */
  _thinned(edges) {
    const seen = new Set();
    const { surface } = this;
    const near = (pixel) => Math.min(4095, Math.max(0, (pixel + 1024) >> 1));
    return edges.filter(({ x1, y1, y2 }) => {
      const key = (near(surface.screenX(x1)) * 4096 + near(surface.screenY(y1))) * 4096 + near(surface.screenY(y2));
      return !seen.has(key) && seen.add(key);
    });
  }

  _stroke(context, edges, colour, width, alpha) {
    if (!edges.length) return;
    const { surface } = this;
    this.drawn.edges += edges.length;
    context.beginPath();
    const isFar = surface.scaleX < FAR;
    for (const edge of edges) {
      let [x, y] = [surface.screenX(edge.x1), surface.screenY(edge.y1)];
      context.moveTo(x, y);
      const to = (worldX, worldY, isBent) => {
        const [nextX, nextY] = [surface.screenX(worldX), surface.screenY(worldY)];
        const bend = (nextX - x) / 2;
        if (isBent && !isFar) context.bezierCurveTo(x + bend, y, nextX - bend, nextY, nextX, nextY);
        else context.lineTo(nextX, nextY);
        [x, y] = [nextX, nextY];
      };
      for (const { left, right, y: between } of edge.via) {
        to(left, between, true);
        to(right, between, false);
      }
      to(edge.x2, edge.y2, true);
    }
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Nodes as spots of colour, colour by colour, since to change it costs more than to draw. */
  _drawSmall(context, nodes) {
    const { surface } = this;
    const [width, height] = [Math.max(1.5, CARD.width * surface.scaleX), Math.max(1, CARD.height * surface.scaleY)];
    const colour = (node) =>
      isSelected("node", node.id) ? COLOURS.link : node.critical ? COLOURS.critical : colourOf(node.state);
    for (const isPassed of [false, true]) {
      context.globalAlpha = isPassed ? 1 : 0.2;
      for (const [fill, ofColour] of grouped(
        nodes.filter((node) => app.passes("node", node) === isPassed),
        colour,
      )) {
        context.fillStyle = fill;
        for (const node of ofColour) {
          const place = this.at.get(node.id);
          context.fillRect(surface.screenX(place.x), surface.screenY(place.y), width, height);
        }
      }
    }
  }

  _drawCard(context, node) {
    const { surface } = this;
    const place = this.at.get(node.id);
    const scale = surface.scaleX;
    context.globalAlpha = app.passes("node", node) ? 1 : 0.2;
    const [x, y, width, height] = [
      surface.screenX(place.x),
      surface.screenY(place.y),
      CARD.width * scale,
      CARD.height * scale,
    ];
    context.beginPath();
    context.roundRect(x, y, width, height, 7 * scale);
    context.fillStyle = node.state === "waiting" ? COLOURS.paper : COLOURS.sheet;
    context.fill();
    context.save();
    context.clip();
    context.fillStyle = colourOf(node.state);
    context.fillRect(x, y, 5 * scale, height);
    if (node.cached_share) {
      context.fillStyle = COLOURS.cached;
      context.fillRect(x + 5 * scale, y + height - 3 * scale, (width - 5 * scale) * node.cached_share, 3 * scale);
    }
    context.restore();
    const chosen =
      isSelected("node", node.id) ||
      (app.selected && app.selected.kind !== "node" && app.data.nodeOf(app.selected) === node.id);
    context.setLineDash(node.state === "running" ? [5, 3] : []);
    context.strokeStyle = chosen ? COLOURS.link : node.critical ? COLOURS.critical : COLOURS.rule;
    context.lineWidth = chosen ? 2.5 : node.critical ? 1.6 : 1;
    context.stroke();
    context.setLineDash([]);
    this._drawWords(context, node, x, y, scale);
  }

  _drawWords(context, node, x, y, scale) {
    this.drawn.labels++;
    const detailed = scale >= 0.55;
    const size = detailed ? 13 * scale : Math.max(9, 17 * scale);
    const left = x + 14 * scale;
    const room = (CARD.width - 40) * scale;
    context.textBaseline = "middle";
    context.font = `600 ${size}px ${FONT}`;
    context.fillStyle = node.state === "waiting" ? COLOURS.soft : COLOURS.ink;
    context.fillText(
      cutTo(context, inLine(titleOfNode(node)), room),
      left,
      y + CARD.height * scale * (detailed ? 0.34 : 0.5),
    );
    context.fillStyle = colourOf(node.state);
    context.textAlign = "right";
    context.fillText(
      SIGNS[node.state] ?? "·",
      x + (CARD.width - 8) * scale,
      y + CARD.height * scale * (detailed ? 0.34 : 0.5),
    );
    context.textAlign = "left";
    if (!detailed) return;
    context.font = `${11 * scale}px ${FONT}`;
    context.fillStyle = COLOURS.soft;
    context.fillText(cutTo(context, nodeLine(node), (CARD.width - 22) * scale), left, y + CARD.height * scale * 0.69);
  }
}

/** What a node is, how long it took and what it cost, in one line. */
function nodeLine(node) {
  const seconds = took(node) === null ? "" : duration(took(node));
  const tokens = node.usage?.generated_tokens;
  return [inLine(node.what || node.kind, 40), seconds, tokens ? `${short(tokens)} generated` : ""]
    .filter(Boolean)
    .join(" · ");
}

/** Layers side by side; those of very many nodes are as wide as it takes for all of it to look like a page. */
function blocksOf(layers) {
  const many = layers.reduce((sum, nodes) => sum + (nodes.length > MOST_IN_COLUMN ? nodes.length : 0), 0);
  const tallest = Math.max(MOST_IN_COLUMN, Math.ceil(Math.sqrt(2.6 * many)));
  let x = 0;
  return layers.map((nodes) => {
    const rows = Math.min(nodes.length, tallest);
    const columns = Math.max(1, Math.ceil(nodes.length / (rows || 1)));
    const width = columns * (CARD.width + CARD.beside) - CARD.beside;
    const block = { nodes, rows, columns, x, y: 0, width, height: rows * (CARD.height + CARD.below) - CARD.below };
    x += width + CARD.across;
    return block;
  });
}

function placeIn(block, index) {
  const [column, row] = [Math.floor(index / block.rows), index % block.rows];
  return { x: block.x + column * (CARD.width + CARD.beside), y: block.y + row * (CARD.height + CARD.below) };
}

function* inSight(block, sight) {
  if (block.x > sight.right || block.x + block.width < sight.left) return;
  const index = (value, from, step, most) => Math.min(most - 1, Math.max(0, Math.floor((value - from) / step)));
  const [across, down] = [CARD.width + CARD.beside, CARD.height + CARD.below];
  if (block.y > sight.bottom || block.y + block.height < sight.top) return;
  const last = index(sight.right, block.x, across, block.columns);
  const bottom = index(sight.bottom, block.y, down, block.rows);
  for (let column = index(sight.left, block.x, across, block.columns); column <= last; column++)
    for (let row = index(sight.top, block.y, down, block.rows); row <= bottom; row++) {
      const node = block.nodes[column * block.rows + row];
      if (node) yield node;
    }
}

/** Edges, with the gaps through which they pass the columns between, so that none runs behind a box. */
function edgesOf(nodes, at, blocks) {
  const edges = [];
  const columnOf = new Map(blocks.flatMap((block, column) => block.nodes.map((node) => [node.id, column])));
  const used = blocks.map(() => new Map());
  for (const node of nodes)
    for (const before of app.data.before(node)) {
      const [start, end] = [at.get(before), at.get(node.id)];
      if (!start || !end) continue;
      const edge = {
        from: before,
        to: node.id,
        critical: node.critical && app.data.nodes.get(before).critical,
        planned: before === app.data.planner?.id,
        x1: start.x + CARD.width,
        y1: start.y + CARD.height / 2,
        x2: end.x,
        y2: end.y + CARD.height / 2,
        via: [],
      };
      for (let column = columnOf.get(before) + 1; column < columnOf.get(node.id); column++)
        edge.via.push(gapFor(edge, blocks[column], used[column]));
      const heights = [edge.y1, edge.y2, ...edge.via.map((one) => one.y)];
      edge.top = Math.min(...heights);
      edge.bottom = Math.max(...heights);
      edges.push(edge);
    }
  return edges;
}

/** Where an edge passes a column: as straight as it can, above, below or between boxes, beside those before it. */
function gapFor({ x1, y1, x2, y2 }, block, used) {
  const straight = y1 + ((y2 - y1) * (block.x + block.width / 2 - x1)) / (x2 - x1);
  const step = CARD.height + CARD.below;
  const row = Math.round((straight - block.y + CARD.below / 2) / step);
  const isOutside = row < 0 || row > block.rows;
  const nth = used.get(row) ?? 0;
  used.set(row, nth + 1);
  // A gap has room for three beside each other.
  const aside = isOutside ? 0 : [0, 1, -1][nth % 3] * 4;
  const y = isOutside ? straight : block.y - CARD.below / 2 + row * step + aside;
  return { left: block.x - 6, right: block.x + block.width + 6, y };
}
