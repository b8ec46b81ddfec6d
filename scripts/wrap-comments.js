import { readFileSync, writeFileSync } from 'node:fs'

const lengthMax = 110

/**
 * Breaks the lines of comments that are too long; the formatter leaves comments alone. Text flows on into the
 * next line of the same paragraph. Comments behind code stay as they are.
 * @param {string} file
 * @returns {boolean} whether the file was changed
 */
export function wrapComments(file) {
  const before = readFileSync(file, 'utf8')
  const after = wrapped(before.split('\n')).join('\n')
  if (after !== before) writeFileSync(file, after)
  return after !== before
}

/** @param {readonly string[]} lines */
function wrapped(lines) {
  const rest = lines.toReversed()
  const done = []
  for (let line = rest.pop(); line !== undefined; line = rest.pop()) {
    if (line.length <= lengthMax) done.push(line)
    else done.push(...shortened(line, rest))
  }
  return done
}

/**
 * The line, or what replaces it; what does not fit goes to the lines still to come, which are in reverse.
 * @param {string} line
 * @param {string[]} rest
 */
function shortened(line, rest) {
  const single = /^(\s*)\/\*\* (.*) \*\/$/.exec(line)
  if (single !== null) {
    const [, indent = '', text = ''] = single
    rest.push(`${indent} */`, `${indent} * ${text}`)
    return [`${indent}/**`]
  }
  const prefix = /^\s*(\/\/|\*)( +)/.exec(line)?.[0]
  const end = line.lastIndexOf(' ', lengthMax)
  if (prefix === undefined || end < prefix.length) return [line]
  const overflow = line.slice(end + 1)
  const next = rest.at(-1)
  if (next !== undefined && flowsOn(next, prefix))
    rest[rest.length - 1] = `${prefix}${overflow} ${next.slice(prefix.length)}`
  else rest.push(prefix + overflow)
  return [line.slice(0, end)]
}

/**
 * Whether a line is ordinary text of the same comment: no tag, list, table, or drawing begins there.
 * @param {string} line
 * @param {string} prefix
 */
function flowsOn(line, prefix) {
  return (
    line.startsWith(prefix) &&
    /^[\p{L}\p{N}(`'"]/u.test(line.slice(prefix.length)) &&
    !/ {3,}/.test(line.trim())
  )
}
