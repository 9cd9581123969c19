// Puts the parts together, and follows a run that goes on.

/** Asks for what is new as long as the run goes on; ever less often where the server is gone. */
async function follow() {
  let pause = 1000;
  while (app.data.live || app.data.run === null) {
    await new Promise((resolve) => setTimeout(resolve, app.data.run === null && pause === 1000 ? 0 : pause));
    let news;
    try {
      news = await fetched(`picture?since=${app.data.run === null ? 0 : app.data.version}`);
    } catch (error) {
      pause = Math.min(30_000, pause * 2);
      say(`the server is gone (${error.message}); tried again in ${pause / 1000} s`, true);
      continue;
    }
    pause = 1000;
    const isNew = app.data.take(news);
    say(app.data.live ? "live" : "");
    app.tell(isNew ? "data" : "time");
  }
  say("");
  app.tell("data");
}

function say(words, isWarning = false) {
  const element = byId("connection");
  if (element.textContent !== words) element.textContent = words;
  element.className = words === "live" ? "is-live" : isWarning ? "is-warning" : "";
}

// ---------------------------------------------------------------- the divider, and paper

function listenToDivider() {
  const divider = byId("divider");
  const setWidth = (pixels) =>
    document.documentElement.style.setProperty(
      "--details",
      `${Math.round(Math.max(240, Math.min(innerWidth - 320, pixels)))}px`,
    );
  divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener(
    "pointermove",
    (event) => divider.hasPointerCapture(event.pointerId) && setWidth(innerWidth - event.clientX),
  );
  divider.addEventListener("keydown", ({ key }) => {
    const by = { ArrowLeft: 24, ArrowRight: -24 }[key];
    if (by) setWidth(byId("details").offsetWidth + by);
  });
}

/** On paper there is no scroll bar: the nodes are written out. */
function printNodes() {
  fresh("nodes");
  const rows = views.nodes.nodes
    .slice(0, 2000)
    .map((node) => make("tr", "", ...COLUMNS.map((column) => make("td", "", column.cell(node)))));
  byId("print").replaceChildren(
    make("table", "", make("tr", "", ...COLUMNS.map((column) => make("th", "", column.title))), ...rows),
  );
}

// ---------------------------------------------------------------- all of it

const views = {
  plan: new PlanView(),
  threads: new ThreadsView(),
  timeline: new TimelineView(),
  nodes: new NodesView(),
};
const details = new Details();
const search = new Search();

// Views that have not seen the last change: a view that nobody sees need not.
const stale = new Set(VIEWS);

/** Brings a view up to date. */
function fresh(name) {
  if (stale.delete(name)) views[name].refresh();
}

function showView() {
  for (const name of VIEWS) {
    byId(`view-${name}`).hidden = name !== app.view;
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === app.view));
    byId(`tab-${name}`).tabIndex = name === app.view ? 0 : -1;
  }
  const view = views[app.view];
  fresh(app.view);
  view.surface?.resize();
  reveal(true);
  // Who goes through the tabs by keys stays there, and nobody is moved when the page opens.
  if (begun && !document.activeElement.closest("[role=tablist]"))
    (view.surface?.canvas ?? view.rows.element).focus({ preventScroll: true });
}

/** Marks what is chosen in the view that is seen, and brings it into sight where that is wanted. */
function reveal(isWanted) {
  if (isWanted && app.selected) {
    if (app.view === "plan") views.plan.reveal(app.data.nodeOf(app.selected));
    if (app.view === "timeline") views.timeline.reveal(app.selected);
  }
  if (app.view === "threads" || app.view === "nodes") views[app.view].follow(isWanted);
  views.plan.surface.redraw();
  views.timeline.surface.redraw();
}

app.onChange((what) => {
  if (what === "theme") drawTheme();
  if (app.data.run === null) return;
  if (what === "data" || what === "time") drawHead();
  if (what === "time") stale.add("timeline");
  if (what === "time" && app.view === "timeline") fresh("timeline");
  if (what === "data" || what === "filter") {
    drawFilters();
    for (const name of VIEWS) stale.add(name);
    fresh(app.view);
  }
  if (what === "view") showView();
  if (what === "selection") reveal(app.revealing);
  if (what === "selection" || what === "data" || what === "pinned") details.refresh();
  if (what === "pinned") drawPinned();
  if (what === "data" && !begun) {
    // One node is no graph to look at; what it thinks is.
    if (app.data.nodes.size === 1 && app.data.threads.size > 1) app.view = "threads";
    showView();
    begun = true;
    followAddress();
  }
});

let begun = false;

function start() {
  for (const tab of document.querySelectorAll("[data-view]"))
    tab.addEventListener("click", () => app.show(tab.dataset.view));
  byId("bar")
    .querySelector(".tabs")
    .addEventListener("keydown", ({ key }) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (!by) return;
      app.show(VIEWS[(VIEWS.indexOf(app.view) + by + VIEWS.length) % VIEWS.length]);
      byId(`tab-${app.view}`).focus();
    });
  byId("theme").addEventListener("click", switchTheme);
  byId("help-button").addEventListener("click", showHelp);
  byId("question").addEventListener("click", () => byId("head").classList.toggle("is-open"));
  byId("answer").addEventListener("click", () => app.select(null));
  for (const dialog of document.querySelectorAll("dialog"))
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  listenToDivider();
  listenToKeys(views);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => app.tell("theme"));
  window.addEventListener("hashchange", followAddress);
  window.addEventListener("beforeprint", printNodes);
  const embedded = JSON.parse(byId("picture").textContent);
  if (embedded) app.data.take({ ...embedded, live: false });
  setTheme(keptTheme());
  if (app.data.run !== null) app.tell("data");
  else {
    say("loading…");
    follow();
  }
}

start();
