// States: a sign, a word and a colour for each.

const SIGNS = {
  waiting: "○",
  running: "◐",
  ok: "✓",
  stop: "✓",
  truncated: "✂",
  length: "✂",
  failed: "✗",
  cancelled: "⊘",
  aborted: "⊘",
  interrupted: "⊘",
  skipped: "⊘",
  deferred: "‖",
  "passed-over": "↷",
};

/** A state as a coloured sign, with the word where there is room. */
function stateSign(state, word = false) {
  const sign = make("span", `sign-of is-${state}`, SIGNS[state] ?? "·");
  sign.setAttribute("aria-hidden", "true");
  const whole = make("span", `state is-${state}`, sign, word ? ` ${state}` : make("span", "unseen", state));
  whole.title = state;
  return whole;
}
