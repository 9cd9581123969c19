// Light and dark: as the system has it, until somebody chooses.

function isDark() {
  return document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  setTheme(isDark() ? "light" : "dark");
  try {
    localStorage.setItem("forkjoin-theme", document.documentElement.dataset.theme);
  } catch {
    // Some browsers keep nothing for files.
  }
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  app.tell("theme");
}

function drawTheme() {
  readColours();
  byId("theme").textContent = isDark() ? "☀" : "☾";
  byId("theme").setAttribute("aria-label", isDark() ? "light" : "dark");
  for (const name of ["plan", "timeline"]) views[name].surface.redraw();
}

function keptTheme() {
  try {
    return localStorage.getItem("forkjoin-theme");
  } catch {
    return null;
  }
}
