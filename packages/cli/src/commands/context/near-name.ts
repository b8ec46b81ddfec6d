/** What someone may have meant who mistyped. */

const DISTANCE_MAX = 2

/** The name that is most like the text, if any is like it at all. */
export function nearName(text: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(DISTANCE_MAX, Math.floor(text.length / 2)) + 1
  for (const name of names) {
    if (Math.abs(name.length - text.length) >= bestDistance) continue
    const distance = editDistance(text, name)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Insertions, deletions, replacements, and swaps of neighbours that turn one into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}
