// Two outputs side by side, with what differs marked.

/** Pins what is chosen, or compares it with what is pinned. */
function compareChosen() {
  if (!app.selected) return;
  if (!app.pinned || sameSelection(app.pinned, app.selected)) app.pin(app.selected);
  else openDiff(app.pinned, app.selected);
}

/** What is compared of an entity: the output of a call, those of a thread's calls, the result of a node. */
async function outputOf(selected) {
  const entity = app.data.at(selected);
  if (selected.kind === "node") return wholeOf(entity.text, told(entity.result ?? entity.reason ?? ""));
  const calls = selected.kind === "call" ? [entity] : app.data.callsOfThread(entity.id);
  if (!calls.length) return { text: told(entity.value ?? ""), isWhole: true };
  const outputs = await Promise.all(calls.slice(-200).map((call) => wholeOf(call.text, call.preview ?? "", false)));
  return {
    text: outputs.map((one) => one.text).join("\n"),
    isWhole: calls.length <= 200 && outputs.every((one) => one.isWhole),
  };
}

/** The output under a key, or else what is known without it. */
async function wholeOf(key, otherwise, isWhole = true) {
  const text = key ? await readText(key) : { failure: "it is not kept" };
  return text.failure ? { text: otherwise, isWhole } : { text: told(text.output ?? otherwise), isWhole: true };
}

async function openDiff(one, other) {
  const outputs = await Promise.all([outputOf(one), outputOf(other)]);
  const [before, after] = outputs.map((output) => output.text);
  const parts = wordDiff(before, after);
  const side = (key, tag) =>
    make(
      "pre",
      "",
      ...parts.map((part) =>
        part.same !== undefined ? shown(part.same) : part[key] ? make(tag, "", shown(part[key])) : "",
      ),
    );
  const dialog = byId("diff");
  const closing = button("close", () => dialog.close());
  const kept = parts.reduce((sum, part) => sum + (part.same?.length ?? 0), 0);
  const share = before.length + after.length ? (2 * kept) / (before.length + after.length) : 1;
  dialog.replaceChildren(
    make(
      "div",
      "dialog-head",
      make("h2", "", "Difference"),
      make(
        "span",
        "soft",
        before === after ? "the texts are equal" : `${percent(share)} of the text is in both`,
        outputs.every((output) => output.isWhole) ? "" : "; of a text only a part could be read",
      ),
      button("swap", () => openDiff(other, one)),
      closing,
    ),
    make(
      "div",
      "sides",
      make("section", "", diffHead(one), side("removed", "del")),
      make("section", "", diffHead(other), side("added", "ins")),
    ),
  );
  app.pin(null);
  if (!dialog.open) dialog.showModal();
  closing.focus();
}

function diffHead(selected) {
  const entity = app.data.at(selected);
  const score = entity.score === null || entity.score === undefined ? "" : `score ${scoreText(entity.score)}`;
  const tokens = entity.usage ? `${count(entity.usage.generated_tokens)} generated` : "";
  return make(
    "header",
    "",
    make("b", "", inLine(nameOf(selected), 100)),
    make(
      "p",
      "soft",
      stateSign(entity.state, true),
      " ",
      [entity.chosen && "★ chosen", score, tokens].filter(Boolean).join(" · "),
    ),
  );
}

/** Says what is pinned, until it is compared or let go. */
function drawPinned() {
  const element = byId("pinned");
  element.hidden = !app.pinned;
  if (!app.pinned) return;
  element.replaceChildren(
    make(
      "span",
      "",
      "To compare: ",
      make("b", "", shown(inLine(nameOf(app.pinned), 60))),
      ". Choose another, then press d.",
    ),
    button("✕", () => app.pin(null), "sign"),
  );
  element.lastChild.setAttribute("aria-label", "compare nothing");
}
