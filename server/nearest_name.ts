/** The name that a mistyped one was probably meant to be, for "did you mean …?". */

/** The candidate that is `text` but for case and a few letters, or undefined when none is that close. */
export function nearestName(text: string, candidates: Iterable<string>): string | undefined {
  const wanted = text.toLowerCase();
  let nearest: string | undefined;
  let distanceMax = Math.min(3, Math.floor(text.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance > distanceMax) continue;
    nearest = candidate;
    distanceMax = distance - 1;
  }
  return nearest;
}

/** How many letters to insert, remove or replace to make `b` of `a` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
