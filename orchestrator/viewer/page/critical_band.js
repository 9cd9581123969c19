// The critical path as one row, which stays at the top of the timeline: node by node, one after another.
//
//   critical path  [ 3 · demand ][ 7 · think             ][ 9 · synthesise ]

const BAND = { height: 18, whole: 26 };

/** Draws the row and knows what lies where in it. */
class CriticalBand {
  constructor(surface, top) {
    this.surface = surface;
    this.top = top;
    this.parts = [];
  }

  /** Takes the critical nodes by their beginnings: each lasts until it ends or the next begins. */
  take(nodes) {
    this.parts = nodes.map((node, at) => {
      const end = node.end ?? app.data.seconds;
      return { node, start: node.start, end: Math.min(end, nodes[at + 1]?.start ?? end) };
    });
  }

  /** What lies at a place of the screen. */
  at(x, y) {
    const time = this.surface.worldX(x);
    if (y < this.top || y >= this.top + BAND.whole || x < this.surface.left) return null;
    const part = this.parts.find(({ start, end }) => time >= start && time < end);
    return part ? { kind: "node", id: part.node.id } : null;
  }

  draw(context) {
    const { surface, top } = this;
    context.fillStyle = COLOURS.paper;
    context.fillRect(0, top - 3, surface.width, BAND.whole + 3);
    context.textBaseline = "middle";
    context.font = `600 12px ${FONT}`;
    context.fillStyle = COLOURS.critical;
    context.fillText(cutTo(context, "critical path", surface.left - 34), 26, top + BAND.height / 2);
    for (const part of this.parts) this._drawPart(context, part);
    context.fillStyle = COLOURS.rule;
    context.fillRect(0, top + BAND.whole - 4, surface.width, 1);
  }

  _drawPart(context, { node, start, end }) {
    const { surface, top } = this;
    const [from, to] = [Math.max(surface.screenX(start), surface.left), surface.screenX(end)];
    if (to < surface.left || from > surface.width) return;
    const width = Math.max(1.5, to - from - 1);
    context.globalAlpha = app.passes("node", node) ? 1 : 0.2;
    context.fillStyle = isSelected("node", node.id) ? COLOURS.link : COLOURS.critical;
    context.fillRect(from, top, width, BAND.height);
    context.font = `11px ${FONT}`;
    context.fillStyle = COLOURS.sheet;
    if (width > 30)
      context.fillText(cutTo(context, inLine(titleOfNode(node)), width - 11), from + 6, top + BAND.height / 2 + 0.5);
    context.globalAlpha = 1;
  }
}
