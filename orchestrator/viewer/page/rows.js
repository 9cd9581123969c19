// A list of very many rows, of which only those in sight exist. It has the focus itself and names the row that is meant.

/** Rows of one height in a scrolling element. */
class Rows {
  /**
   * @param role - "tree" or "grid"
   * @param label - what the list is called
   * @param heads - titles of the columns, which stay at the top
   * @param fill - puts row number `index` into an element
   * @param choose - somebody clicked a row
   */
  constructor({ role, label, height, heads, fill, choose }) {
    this.height = height;
    this.fill = fill;
    this.length = 0;
    this.active = -1;
    this.inner = make("div", "rows-inner");
    this.inner.setAttribute("role", "presentation");
    this.heads = heads;
    this.element = make("div", "rows", heads, this.inner);
    this.element.tabIndex = 0;
    this.element.setAttribute("role", role);
    this.element.setAttribute("aria-label", label);
    this._name = label.replace(/\W+/g, "-");
    this.element.addEventListener("scroll", () => this._later(), { passive: true });
    this.element.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) choose(Number(row.dataset.index), event);
    });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** Shows so many rows, the place of the scroll bar kept. */
  setLength(length) {
    this.length = length;
    this.inner.style.height = `${length * this.height}px`;
    this.draw();
  }

  /** Names the row that is meant and brings it into sight. */
  activate(index, reveal = true) {
    this.active = index;
    if (reveal && index >= 0 && this.room > 0) {
      const { scrollTop } = this.element;
      const top = index * this.height;
      if (top < scrollTop) this.element.scrollTop = top;
      else if (top + this.height > scrollTop + this.room) this.element.scrollTop = top + this.height - this.room;
    }
    this.draw();
  }

  /** Pixels below the titles. */
  get room() {
    return this.element.clientHeight - this.heads.offsetHeight;
  }

  get perPage() {
    return Math.max(1, Math.floor(this.room / this.height) - 1);
  }

  _later() {
    if (this._asked) return;
    this._asked = true;
    requestAnimationFrame(() => {
      this._asked = false;
      this.draw();
    });
  }

  draw() {
    const { scrollTop, clientHeight } = this.element;
    // A view that is hidden draws when it is shown.
    if (!clientHeight) return;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - 4);
    const last = Math.min(this.length, Math.ceil((scrollTop + clientHeight) / this.height) + 4);
    const rows = [];
    for (let index = first; index < last; index++) rows.push(this._row(index));
    this.inner.replaceChildren(...rows);
    if (this.active >= first && this.active < last)
      this.element.setAttribute("aria-activedescendant", `${this._name}-${this.active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  _row(index) {
    const row = make("div", index === this.active ? "row active" : "row");
    row.id = `${this._name}-${index}`;
    row.dataset.index = index;
    row.style.top = `${index * this.height}px`;
    row.setAttribute("aria-selected", String(index === this.active));
    this.fill(row, index);
    return row;
  }
}
