// A canvas that can be panned and zoomed: pointer, wheel, buttons, colours and frames. What is drawn on it, a view knows.
//
//   screen = (world - origin) * scale + margin, for each axis on its own

const COLOURS = {};
const COLOUR_NAMES = [
  "paper",
  "sheet",
  "ink",
  "soft",
  "rule",
  "tint",
  "link",
  "critical",
  "cached",
  "waiting",
  "running",
  "ok",
  "truncated",
  "failed",
  "cancelled",
  "deferred",
  "passed-over",
];
const FONT = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", sans-serif';

/** Reads the colours that the style sheet gives now. */
function readColours() {
  const probe = make("i", "unseen");
  document.body.append(probe);
  for (const name of COLOUR_NAMES) {
    probe.style.color = `var(--${name})`;
    COLOURS[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

const colourOf = (state) => COLOURS[STATE_COLOURS[state] ?? state] ?? COLOURS.soft;
const STATE_COLOURS = {
  stop: "ok",
  length: "truncated",
  aborted: "cancelled",
  interrupted: "cancelled",
  skipped: "cancelled",
};

/** A canvas with an origin and a scale for each axis. */
class Surface {
  /**
   * @param canvas - where it draws
   * @param view - draws and answers: draw(context), fit(), limits(), click(x, y), hover(x, y) -> lines
   */
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.x = this.y = 0;
    this.left = this.top = 0;
    this.scaleX = this.scaleY = 1;
    this.width = this.height = 0;
    this.frames = [];
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    canvas.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this._press(event));
    canvas.addEventListener("pointermove", (event) => this._move(event));
    canvas.addEventListener("pointerup", (event) => this._release(event));
    canvas.addEventListener("pointercancel", () => (this._held = null));
    canvas.addEventListener("pointerleave", () => tip(null));
    canvas.parentElement
      .querySelector(".zoom")
      .addEventListener("click", ({ target }) => this.zoomBy(target.dataset.zoom));
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    if (!clientWidth || !clientHeight) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = clientWidth;
    this.height = clientHeight;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.view.resized?.();
    this.paint();
  }

  /** Draws with the next frame. */
  redraw() {
    if (this._asked || this.canvas.parentElement.hidden) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      this.paint();
    });
  }

  paint() {
    if (!this.width) return;
    const began = performance.now();
    const ratio = window.devicePixelRatio || 1;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.view.draw(context);
    this.frames.push(performance.now() - began);
    if (this.frames.length > 500) this.frames.shift();
  }

  screenX = (x) => (x - this.x) * this.scaleX + this.left;
  screenY = (y) => (y - this.y) * this.scaleY + this.top;
  worldX = (x) => (x - this.left) / this.scaleX + this.x;
  worldY = (y) => (y - this.top) / this.scaleY + this.y;

  pan(dx, dy) {
    this.x -= dx / this.scaleX;
    this.y -= dy / this.scaleY;
    this.view.clamp?.();
    this.touched = true;
    this.redraw();
  }

  /** Zooms about a point of the screen, which stays where it is. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const { least, most, vertical } = this.view.limits();
    const kept = [this.worldX(x), this.worldY(y)];
    this.scaleX = Math.min(most, Math.max(least, this.scaleX * factor));
    if (vertical) this.scaleY = this.scaleX;
    this.x = kept[0] - (x - this.left) / this.scaleX;
    if (vertical) this.y = kept[1] - (y - this.top) / this.scaleY;
    this.view.clamp?.();
    this.touched = true;
    this.redraw();
  }

  zoomBy(way) {
    if (way === "in") this.zoom(1.4);
    else if (way === "out") this.zoom(1 / 1.4);
    else if (way === "fit") {
      this.view.fit();
      this.touched = false;
      this.redraw();
    }
  }

  _wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const zooms = event.ctrlKey || event.metaKey || (this.view.limits().vertical && !event.shiftKey);
    if (zooms) this.zoom(Math.exp(-dy * (event.ctrlKey ? 0.008 : 0.0018)), event.offsetX, event.offsetY);
    else if (event.shiftKey) this.pan(-(dx || dy), 0);
    else this.pan(-dx, -dy);
  }

  _press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this._held = { x: event.offsetX, y: event.offsetY, moved: false };
    tip(null);
  }

  _move(event) {
    if (!this._held) {
      const hit = this.view.hover(event.offsetX, event.offsetY);
      this.canvas.style.cursor = hit ? "pointer" : "grab";
      tip(hit, event.clientX, event.clientY);
      return;
    }
    const [dx, dy] = [event.offsetX - this._held.x, event.offsetY - this._held.y];
    if (!this._held.moved && Math.hypot(dx, dy) < 4) return;
    this.canvas.style.cursor = "grabbing";
    this._held = { x: event.offsetX, y: event.offsetY, moved: true };
    this.pan(dx, dy);
  }

  _release(event) {
    if (this._held && !this._held.moved) this.view.click(event.offsetX, event.offsetY);
    this._held = null;
  }
}

/** Shows a few words beside the pointer, or hides them. */
function tip(lines, x, y) {
  const element = byId("tip");
  element.hidden = !lines;
  if (!lines) return;
  element.replaceChildren(...lines.filter(Boolean).map((line, at) => make("div", at ? "soft" : "", shown(line))));
  const { offsetWidth, offsetHeight } = element;
  element.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - offsetWidth - 8))}px`;
  element.style.top = `${y + 18 + offsetHeight > innerHeight ? y - offsetHeight - 10 : y + 18}px`;
}

/** A text cut to a width in pixels; measured once for each text and font. */
function cutTo(context, text, width) {
  if (width < 8) return "";
  const key = `${context.font}|${Math.round(width)}|${text}`;
  let cut = CUTS.get(key);
  if (cut === undefined) {
    cut = text;
    if (context.measureText(cut).width > width) {
      let [low, high] = [0, text.length];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
        else high = middle - 1;
      }
      cut = low ? `${text.slice(0, low)}…` : "";
    }
    if (CUTS.size > 20_000) CUTS.clear();
    CUTS.set(key, cut);
  }
  return cut;
}
const CUTS = new Map();
