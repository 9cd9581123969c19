// Puts the parts together, and follows a run that goes on.

/** Asks for what is new as long as there may be news; ever less often where the server is gone. */
async function follow() {
  let pause = 0;
  let isLost = false;
  while (mayGoOn()) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    // The server that answers after one was gone may be another, with numbers of its own.
    let whole = isLost || app.data.run === null;
    let news;
    try {
      news = await fetched(`picture?since=${whole ? 0 : app.data.version}`);
      if (!whole && (news.epoch ?? null) !== app.data.epoch) {
        whole = true;
        news = await fetched("picture?since=0");
      }
    } catch (error) {
      pause = Math.min(30_000, 2 * Math.max(1000, pause));
      isLost = true;
      say(`the server is gone (${error.message}); tried again in ${pause / 1000} s`, true);
      continue;
    }
    isLost = false;
    const isNew = app.data.take(news, { whole });
    pause = app.data.live ? 1000 : 5000;
    say(app.data.live ? "live" : "");
    app.tell(isNew ? "data" : "time");
  }
}

/** A run that goes on has news, and one that came to no good end may be resumed. */
const mayGoOn = () => app.data.run === null || app.data.live || app.data.run.state !== "ok";

function say(words, isWarning = false) {
  const element = byId("connection");
  if (element.textContent !== words) element.textContent = words;
  element.className = words === "live" ? "is-live" : isWarning ? "is-warning" : "";
}

// ---------------------------------------------------------------- the divider, and paper

function listenToDivider() {
  const divider = byId("divider");
  const setWidth = (pixels) => {
    const width = Math.round(Math.max(240, Math.min(innerWidth - 320, pixels)));
    document.documentElement.style.setProperty("--details", `${width}px`);
    divider.setAttribute("aria-valuenow", Math.round((100 * width) / innerWidth));
  };
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

/** On paper there is no scroll bar and no night: what is seen is drawn in light, its rows are written out. */
function toPaper() {
  kept.theme = document.documentElement.dataset.theme;
  setTheme("light");
  views[app.view].surface?.paint();
  const rows = app.view === "threads" ? printedThreads() : printedNodes();
  byId("print").replaceChildren(make("table", "", ...rows));
}

function fromPaper() {
  if (kept.theme) setTheme(kept.theme);
  else {
    delete document.documentElement.dataset.theme;
    app.tell("theme");
  }
}

const kept = {};
const MOST_PRINTED = 2000;

function printedNodes() {
  fresh("nodes");
  const rows = views.nodes.nodes.slice(0, MOST_PRINTED);
  return [
    make("tr", "", ...COLUMNS.map((column) => make("th", "", column.title))),
    ...rows.map((node) => make("tr", "", ...COLUMNS.map((column) => make("td", "", column.cell(node))))),
  ];
}

function printedThreads() {
  const titles = THREAD_COLUMNS;
  const rows = views.threads.lines.slice(0, MOST_PRINTED).map((line) => {
    const row = make("tr", "", ...views.threads.cellsOf(line).map((cell) => make("td", "", cell)));
    row.firstChild.style.paddingLeft = `${Math.min(line.depth, 24)}em`;
    return row;
  });
  return [make("tr", "", ...titles.map((title) => make("th", "", title))), ...rows];
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
    focusView(view);
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
  if (what === "data" || what === "view") drawLegend();
  if (what === "data" || what === "filter") {
    drawFilters();
    for (const name of VIEWS) stale.add(name);
    fresh(app.view);
  }
  if (what === "view") showView();
  if (what === "selection") reveal(app.revealing);
  if (what === "selection" || what === "data" || what === "time" || what === "pinned")
    details.refresh();
  if (what === "pinned") drawPinned();
  if (what === "data" && !begun) {
    // One node is no graph to look at; what it thinks is.
    if (app.data.nodes.size === 1 && app.data.threads.size > 1) app.view = "threads";
    drawLegend();
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
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", fromPaper);
  setTheme(keptTheme());
  const packed = byId("picture").textContent.trim();
  say("loading…");
  if (packed) showPicture(packed);
  else follow();
}

/** Shows the picture in the file. */
async function showPicture(packed) {
  document.body.setAttribute("aria-busy", "true");
  try {
    app.data.take({ ...(await unpacked(packed)), live: false });
    say("");
    app.tell("data");
  } catch (error) {
    say(`the picture in this file cannot be read: ${error.message}`, true);
    throw error;
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

start();
