// The difference of two texts, word by word. Pure: arrays of strings in, stretches out.
//
//   lines ──▶ what stands in both stays; each stretch that does not ──▶ words ──▶ the same again
//
// Myers 1986, "An O(ND) Difference Algorithm and Its Variations", with a limit on the work: texts that share
// next to nothing are replaced as a whole, which is also what a reader would see in them. Lines may take half of it.

const MOST_STEPS = 1_000_000;

/** Stretches of two texts: {same}, or {removed, added}. */
function wordDiff(before, after) {
  const lines = differ(linesOf(before), linesOf(after), { steps: MOST_STEPS / 2 });
  const work = { steps: MOST_STEPS / 2 };
  return merged(
    lines.flatMap((part) => {
      if (part.same !== undefined) return [part];
      return differ(wordsOf(part.removed), wordsOf(part.added), work);
    }),
  );
}

const linesOf = (text) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
// 28,848.60 is one word.
const wordsOf = (text) => text.match(/\s+|[\p{L}\p{N}_]+(?:[.,]\p{N}+)*|[^\s\p{L}\p{N}_]/gu) ?? [];

/** Stretches of two lists of strings; what it does is taken off the work that is left. */
function differ(before, after, work) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let [lastBefore, lastAfter] = [before.length, after.length];
  while (lastBefore > head && lastAfter > head && before[lastBefore - 1] === after[lastAfter - 1]) {
    lastBefore--;
    lastAfter--;
  }
  return [
    { same: before.slice(0, head).join("") },
    ...between(before.slice(head, lastBefore), after.slice(head, lastAfter), work),
    { same: before.slice(lastBefore).join("") },
  ].filter((part) => part.same !== "");
}

function between(before, after, work) {
  if (!before.length && !after.length) return [];
  const kept = before.length && after.length ? matches(before, after, work) : [];
  if (kept === null) return [{ removed: before.join(""), added: after.join("") }];
  const parts = [];
  let [x, y] = [0, 0];
  for (const [atBefore, atAfter] of [...kept, [before.length, after.length]]) {
    if (atBefore > x || atAfter > y)
      parts.push({ removed: before.slice(x, atBefore).join(""), added: after.slice(y, atAfter).join("") });
    if (atBefore < before.length) parts.push({ same: before[atBefore] });
    [x, y] = [atBefore + 1, atAfter + 1];
  }
  return parts;
}

/** Pairs of places that stay, by the fewest edits; null if to find them is too much work. */
function matches(before, after, work) {
  // So many edits take the work of half their square.
  const most = Math.min(before.length + after.length, Math.floor(Math.sqrt(2 * work.steps)));
  const offset = most + 1;
  const reached = new Int32Array(2 * most + 3);
  const steps = [];
  for (let edits = 0; edits <= most; edits++) {
    work.steps = Math.max(0, work.steps - edits);
    steps.push(reached.slice(offset - edits - 1, offset + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down =
        diagonal === -edits || (diagonal !== edits && reached[offset + diagonal - 1] < reached[offset + diagonal + 1]);
      let x = down ? reached[offset + diagonal + 1] : reached[offset + diagonal - 1] + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x++;
      reached[offset + diagonal] = x;
      if (x >= before.length && x - diagonal >= after.length) return walkedBack(steps, before.length, after.length);
    }
  }
  return null;
}

function walkedBack(steps, x, y) {
  const kept = [];
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    const reached = (diagonal) => steps[edits][diagonal + edits + 1];
    const diagonal = x - y;
    const down = diagonal === -edits || (diagonal !== edits && reached(diagonal - 1) < reached(diagonal + 1));
    const from = edits === 0 ? 0 : down ? reached(diagonal + 1) : reached(diagonal - 1);
    const start = edits === 0 ? 0 : down ? from : from + 1;
    while (x > start) kept.push([--x, --y]);
    if (edits === 0) break;
    x = from;
    y = from - (down ? diagonal + 1 : diagonal - 1);
  }
  return kept.reverse();
}

/** Neighbours of one kind as one; a lone blank between two changes belongs to them. */
function merged(parts) {
  const whole = [];
  for (const [at, part] of parts.entries()) {
    const last = whole.at(-1);
    const next = parts[at + 1];
    const isBlank =
      part.same !== undefined &&
      last &&
      last.same === undefined &&
      next &&
      next.same === undefined &&
      /^[ \t]+$/.test(part.same);
    const change = part.same === undefined ? part : isBlank ? { removed: part.same, added: part.same } : null;
    if (change && last && last.same === undefined) {
      last.removed += change.removed;
      last.added += change.added;
    } else if (!change && last?.same !== undefined) last.same += part.same;
    else whole.push({ ...(change ?? part) });
  }
  return whole;
}
