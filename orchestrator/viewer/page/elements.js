// Elements and words: everything that a model wrote goes into the page through here, as text, never as HTML. Reports of
// evaluations begin with it, too.

"use strict";

const byId = (id) => document.getElementById(id);

/** An element with a class and what is in it: texts or elements; nothing for what is empty. */
function make(tag, name, ...inside) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...inside.filter((part) => part !== "" && part !== undefined && part !== null));
  return element;
}

/** A button that does something. */
function button(text, does, name = "") {
  const element = make("button", name, text);
  element.type = "button";
  element.addEventListener("click", does);
  return element;
}

// Controls, what turns the direction of writing, what has no width, letters in tags; halves of pairs.
const HIDDEN =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\udb40[\udc00-\udc7f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const named = (code) => `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
const signOf = (code) => (code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨${named(code)}⟩`);

/** A text with a sign for every character that steers or that nobody would see. */
const visible = (text) => text.replace(HIDDEN, (one) => signOf(one.codePointAt(0)));

/** The same as nodes, in which the signs can be told from the text. */
function shown(text) {
  const nodes = document.createDocumentFragment();
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const code = match[0].codePointAt(0);
    const sign = make("span", "hidden-sign", signOf(code));
    sign.title = named(code);
    nodes.append(text.slice(from, match.index), sign);
    from = match.index + match[0].length;
  }
  nodes.append(text.slice(from));
  return nodes;
}

/** The beginning of a text in one line, for labels. */
function inLine(text, most = 120) {
  const line = visible(
    text
      .slice(0, 2 * most)
      .replace(/\s+/g, " ")
      .trim(),
  );
  return line.length > most || text.length > 2 * most ? `${line.slice(0, most - 1)}…` : line;
}

/** What a value says: texts as they are, all else as JSON. */
const told = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

const count = (number) => number.toLocaleString("en-US");

/** So many of something: 1 thread, 2 threads. */
const counted = (number, what) => `${count(number)} ${number === 1 ? what : `${what}s`}`;

/** A number in little room: 950, 12.3k, 4.56M. */
function short(number) {
  if (number < 1000) return String(number);
  const [unit, sign] = number < 999_500 ? [1000, "k"] : [1e6, "M"];
  return `${(number / unit).toPrecision(3)}${sign}`;
}

/** Seconds as people say them: 12 ms, 3.4 s, 5 min 20 s, 2 h 5 min. */
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

/** A score with as many digits as tell scores apart. */
const scoreText = (score) => String(Number(score.toPrecision(3)));
