// The head: a run at a glance, and the filters with how many each lets through.

function drawHead() {
  const { run } = app.data;
  // It is read out whenever it is written.
  if (!byId("state").classList.contains(`is-${run.state}`)) {
    byId("state").className = `badge is-${run.state}`;
    byId("state").replaceChildren(stateSign(run.state, true));
  }
  byId("question").replaceChildren(shown(run.question || run.name || "a run"));
  byId("question").title = visible(run.question ?? "");
  const said = run.answer ?? run.reason;
  byId("answer").hidden = !said;
  byId("answer").replaceChildren(
    make("b", "", run.answer === null || run.answer === undefined ? "why" : "answer"),
    " ",
    shown(inLine(said ? told(said) : "", 400)),
  );
  const cached = cachedShare(run.usage);
  const hits = cached === null ? "" : `, ${percent(cached)} cached`;
  const soFar = app.data.live ? " so far" : "";
  const figures = [
    ["generated", `${short(run.usage?.generated_tokens ?? 0)}${soFar}`],
    ["prompt", `${short(run.usage?.prompt_tokens ?? 0)}${hits}${soFar}`],
    [
      "critical path",
      [
        (run.critical_path ?? null) === null ? "" : `${short(run.critical_path)} generated`,
        run.critical_seconds ? duration(run.critical_seconds) : "",
      ]
        .filter(Boolean)
        .join(" · "),
    ],
    ["time", duration(run.seconds)],
    ["nodes", count(app.data.planned.length)],
    ["calls", `${count(app.data.calls.size)}${soFar}`],
    ["model", run.model ? inLine(run.model, 40) : ""],
    [
      "",
      [run.planner, run.method]
        .filter(Boolean)
        .map((one) => inLine(one, 40))
        .join(" · "),
    ],
  ];
  byId("figures").replaceChildren(
    ...figures
      .filter(([, value]) => value)
      .map(([name, value]) => make("div", "", name ? make("dt", "", name) : "", make("dd", "", shown(value)))),
  );
}

function drawFilters() {
  const element = byId("filters");
  const held = document.activeElement?.dataset?.filter;
  element.replaceChildren(
    ...Object.keys(RunData.FILTERS).map((name) => {
      const number = app.data.counted(name);
      const one = button(name, () => app.setFilter(name), `is-${name}`);
      if (name !== "all") one.append(" ", make("small", "", short(number)));
      one.dataset.filter = name;
      one.disabled = !number && name !== "all" && app.filter !== name;
      one.setAttribute("aria-pressed", String(app.filter === name));
      return one;
    }),
  );
  if (held) element.querySelector(`[data-filter="${held}"]`)?.focus();
}
