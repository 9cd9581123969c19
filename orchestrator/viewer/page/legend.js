// What signs and colours mean, in a line below each view: only those that the view has.

const STATE_ORDER = "ok truncated running waiting deferred failed skipped cancelled passed-over".split(" ");

/** What stands for what beside the states: a swatch or a sign, words, and whether this run has it. */
const MARKS = {
  critical: ["as-critical", "critical path, which the run waited for", () => app.data.isCritical],
  band: ["as-band", "critical path, which the run waited for", () => app.data.isCritical],
  planned: ["as-planned", "planned by", () => Boolean(app.data.planner)],
  cached: ["as-cached", "share of the prompt that was cached", () => app.data.isCached],
  flight: ["as-flight", "prompt and generated tokens in flight", () => app.data.calls.size > 0],
  score: ["as-score", "score", () => app.data.isScored],
  star: ["★", "chosen", () => [...app.data.threads.values()].some((one) => one.chosen)],
  selected: ["as-chosen", "selected", () => true],
};

const MARKS_OF = {
  plan: ["critical", "selected", "cached", "planned"],
  threads: ["star", "score"],
  timeline: ["band", "star", "selected", "flight"],
  nodes: ["critical", "cached"],
};

function drawLegend() {
  const things = app.view === "threads" ? app.data.threads : app.data.nodes;
  const states = new Set([...things.values()].map((one) => one.state));
  const marks = MARKS_OF[app.view].map((name) => MARKS[name]).filter(([, , isThere]) => isThere());
  byId("legend").replaceChildren(
    ...STATE_ORDER.filter((state) => states.has(state)).map((state) => make("span", "", stateSign(state, true))),
    ...marks.map(([sign, words]) =>
      make("span", "", sign.startsWith("as-") ? make("i", sign) : make("span", "star", sign), words),
    ),
  );
}
