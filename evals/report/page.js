// The samples of a report: lists, filters and searches them, and shows a text when somebody opens it.
//
// What stands in the page as JSON: `index` has all but the texts, and `texts-N` the texts and threads of problem N,
// which are read when they are asked for. Before it stands elements.js of the viewer, through which everything that a
// model wrote goes in, as text.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const index = read("index");
const state = { kind: "all", system: "", query: "" };

function mark(system) {
  const source = document.querySelector(`#marks [data-system="${system}"]`);
  return source.cloneNode(true);
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// ---------------------------------------------------------------- filters

const KINDS = {
  all: () => true,
  wrong: (sample) => sample.verdict === "wrong",
  warning: (sample) => Boolean(sample.warning),
  failed: (sample) => sample.verdict === "failed" || sample.verdict === "cancelled",
  truncated: (sample) => Boolean(sample.cut),
  ...Object.fromEntries(
    Object.keys(index.warnings).map((name) => [`warning-${name}`, (sample) => sample.warning === name]),
  ),
};

/** The numbers of a problem's samples that the filters let through, failures first. */
function chosen(problem, number) {
  const found = searched(problem, number);
  return problem.samples
    .map((sample, place) => place)
    .filter((place) => {
      const sample = problem.samples[place];
      const wanted = state.system === "" || sample.system === Number(state.system);
      return wanted && KINDS[state.kind](sample) && found(place);
    })
    .sort((one, other) => RANK[problem.samples[one].verdict] - RANK[problem.samples[other].verdict] || one - other);
}

const RANK = { failed: 0, cancelled: 1, wrong: 2, ungraded: 3, right: 4 };

/** Tells which samples of a problem hold what is searched for. */
function searched(problem, number) {
  const query = state.query.toLowerCase();
  const holds = (text) => text !== undefined && text.toLowerCase().includes(query);
  if (!query || holds(problem.id) || holds(problem.problem)) return () => true;
  const texts = read(`texts-${number}`);
  return (place) => holds(problem.samples[place].extracted) || holds(texts[place].text);
}

/** Shows the problems and samples that the filters let through, and says how many. */
function filter() {
  const everything = state.kind === "all" && state.system === "" && state.query === "";
  let samples = 0;
  let problems = 0;
  for (const element of document.querySelectorAll(".problem")) {
    const number = Number(element.dataset.number);
    const places = chosen(index.problems[number], number);
    element.hidden = !places.length && !everything;
    element.places = places;
    samples += places.length;
    problems += element.hidden ? 0 : 1;
    if (element.open) listSamples(element);
  }
  for (const section of document.querySelectorAll(".task-problems"))
    section.hidden = !section.querySelector(".problem:not([hidden])");
  const total = index.problems.reduce((sum, problem) => sum + problem.samples.length, 0);
  const told = `${count(samples)} of ${count(total)} samples, in ${count(problems)} of ${count(index.problems.length)} problems`;
  document.getElementById("told").value = told;
  document.getElementById("empty").hidden = problems > 0;
}

// ---------------------------------------------------------------- problems and samples

/** Puts a problem's question, its known answer and its samples under its line. */
function listSamples(element) {
  const problem = index.problems[Number(element.dataset.number)];
  const [answer, ...also] = problem.answers;
  const known = make("p", "known", "known answer ", make("code", "text", shown(answer)));
  for (const other of also) known.append(", also ", make("code", "text", shown(other)));
  const inside = make("div", "inside", make("div", "question text", shown(problem.problem)), known);
  for (const place of element.places) inside.append(sampleLine(element, problem, place));
  const hidden = problem.samples.length - element.places.length;
  if (hidden) inside.append(make("p", "soft", `${count(hidden)} more that the filter hides`));
  if (!problem.samples.length) inside.append(make("p", "soft", "no samples yet"));
  element.querySelector(".inside").replaceWith(inside);
}

function sampleLine(element, problem, place) {
  const sample = problem.samples[place];
  const summary = make(
    "summary",
    "",
    make("span", `verdict is-${sample.verdict}`, `${SIGNS[sample.verdict]} ${sample.verdict}`),
    make("span", "", mark(sample.system), ` ${index.systems[sample.system].letter} #${sample.number}`),
    make("span", "answer text", ...answered(sample, problem)),
    make("span", "costs", costs(sample)),
    ...flags(sample).map((flag) => make("span", "flag", shown(flag))),
  );
  const line = make("details", "sample", summary);
  line.dataset.place = place;
  line.dataset.problem = element.dataset.number;
  return line;
}

/** What a sample answers, with the known answer beside it where that is another. */
function answered(sample, problem) {
  if (KINDS.failed(sample)) return [];
  const soft = (...inside) => make("span", "soft", ...inside);
  const extracted = sample.extracted === undefined ? soft("no answer found") : shown(shortened(sample.extracted, 200));
  if (sample.verdict === "right") return [extracted];
  return [extracted, soft(" · known ", shown(shortened(problem.answers[0], 100)))];
}

const SIGNS = { right: "✓", wrong: "✗", failed: "!", cancelled: "·", ungraded: "?" };

function costs(sample) {
  const parts = [`${count(sample.tokens)} tokens`, `path ${count(sample.path)}`, `${sample.seconds.toFixed(1)} s`];
  if (sample.score !== undefined) parts.push(`score ${sample.score.toPrecision(3)}`);
  return parts.join(" · ");
}

/** What a reader should know of a sample before its text. */
function flags(sample) {
  const told = [];
  if (sample.warning) told.push(index.warnings[sample.warning]);
  if (sample.cut && sample.warning !== "cut") told.push("a limit cut it");
  if (sample.reason) told.push(shortened(sample.reason, 300));
  return told;
}

/** Puts a sample's text and threads under its line. */
function showText(line) {
  if (line.querySelector(".body")) return;
  const number = Number(line.dataset.problem);
  const sample = index.problems[number].samples[Number(line.dataset.place)];
  const { text = "", threads = [] } = read(`texts-${number}`)[Number(line.dataset.place)];
  const body = make("div", "body", text ? make("pre", "", shown(text)) : make("p", "soft", "it says nothing"));
  if (sample.value !== undefined) body.append(make("h4", "", "answer of the method"), make("pre", "", shown(sample.value)));
  if (sample.remark) body.append(make("h4", "", "remark"), make("p", "text", shown(sample.remark)));
  if (threads.length) body.append(make("h4", "", "threads"), threadList(threads));
  line.append(body);
}

const MARKS = { ok: "✓", truncated: "✂", failed: "✗", cancelled: "·" };

function threadList(threads) {
  const list = make("ul", "threads");
  for (const thread of threads) {
    const told = [
      thread.tokens === undefined ? "" : `${count(thread.tokens)} tokens`,
      thread.score === undefined ? "" : `score ${thread.score.toPrecision(3)}`,
      thread.chosen ? "chosen" : "",
      thread.reason,
    ].filter(Boolean);
    // What it is in stands above it.
    const path = thread.path ?? "";
    const name = `${thread.chosen ? "★" : MARKS[thread.status] ?? ""} ${path.slice(path.lastIndexOf("/") + 1)}`;
    const item = make("li", "", make("span", thread.chosen ? "chosen" : "", shown(name)), " ", make("span", "soft", shown(told.join(" · "))));
    if (thread.answer !== undefined) item.append(threadAnswer(thread.answer));
    if (thread.threads) item.append(threadList(thread.threads));
    list.append(item);
  }
  return list;
}

/** What a thread says: at sight if it is short, else under its beginning. */
function threadAnswer(answer) {
  const line = shortened(answer.split("\n", 1)[0], 120);
  if (line === answer) return make("div", "text", shown(answer));
  return make("details", "", make("summary", "soft", shown(line)), make("pre", "", shown(answer)));
}

// ---------------------------------------------------------------- what people do

// Opening does not bubble, so that it is caught on its way down.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.open) return;
    if (target.matches(".problem")) listSamples(target);
    else if (target.matches(".sample")) showText(target);
  },
  true,
);

/** Says on each filter how many samples it lets through. */
function countKinds() {
  const samples = index.problems.flatMap((problem) => problem.samples);
  for (const button of document.querySelectorAll("[data-kind]")) {
    const number = samples.filter(KINDS[button.dataset.kind]).length;
    button.append(" ", make("small", "", count(number)));
    button.disabled = !number;
  }
}

for (const button of document.querySelectorAll("[data-kind]"))
  button.addEventListener("click", () => {
    state.kind = button.dataset.kind;
    for (const other of document.querySelectorAll("[data-kind]"))
      other.setAttribute("aria-pressed", String(other === button));
    filter();
  });

function showAll() {
  document.getElementById("query").value = state.query = "";
  const system = document.getElementById("system");
  if (system) system.value = state.system = "";
  document.querySelector('[data-kind="all"]').click();
}

document.getElementById("system")?.addEventListener("change", ({ target }) => {
  state.system = target.value;
  filter();
});

let waiting;
document.getElementById("query").addEventListener("input", ({ target }) => {
  clearTimeout(waiting);
  // All texts are read, so not at every key.
  waiting = setTimeout(() => {
    state.query = target.value.trim();
    filter();
  }, 200);
});

/** Opens the problem that the address names. */
function follow() {
  const element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!element?.matches(".problem")) return;
  // A filter that hides it would be no answer.
  if (element.hidden) showAll();
  element.open = true;
  element.scrollIntoView({ block: "start" });
  element.querySelector("summary").focus({ preventScroll: true });
}

window.addEventListener("hashchange", follow);
countKinds();
filter();
follow();
