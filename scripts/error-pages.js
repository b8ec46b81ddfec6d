/**
 * @typedef {object} Code
 * @property {string} meaning
 * @property {string} advice
 * @property {Readonly<Record<string, string>>} fields
 */

/**
 * The pages that explain the error codes, from the table in `packages/pack/src/errors/codes.ts`.
 * @param {Readonly<Record<string, Code>>} codes
 * @returns {Map<string, string>} the text of each page by its path from the root of the workspace
 */
export function errorPages(codes) {
  const names = Object.keys(codes).sort()
  const pages = new Map(names.map((name) => [`docs/errors/${fileOf(name)}`, page(name, codes[name])]))
  return pages.set('docs/errors.md', list(names, codes))
}

/** @param {string} name */
function fileOf(name) {
  return `${name.toLowerCase().replaceAll('_', '-')}.md`
}

/**
 * @param {string} name
 * @param {Code | undefined} code
 */
function page(name, code) {
  if (code === undefined) throw new Error(`no such code: ${name}`)
  const fields = Object.entries(code.fields)
  const details =
    fields.length === 0
      ? ['The details are empty.']
      : [
          '| detail | what it holds |',
          '| --- | --- |',
          ...fields.map(([f, text]) => `| \`${f}\` | ${text} |`),
        ]
  return lines(
    `# ${name}`,
    '',
    code.meaning,
    '',
    '## What to do',
    '',
    code.advice,
    '',
    '## Details',
    '',
    ...details,
    '',
    `Test for it with \`VarveError.is(error, '${name}')\`. All codes: [errors](../errors.md).`,
  )
}

/**
 * @param {readonly string[]} names
 * @param {Readonly<Record<string, Code>>} codes
 */
function list(names, codes) {
  return lines(
    '# Errors',
    '',
    'Whatever the world does to a store reaches the caller as a `VarveError` with one of these codes, with `details` as',
    'data, a `hint`, and the `cause` where there is one. The list is closed. Absence is never an error: it is `undefined`.',
    '',
    'This page and those it leads to are made by `npm run docs:errors` from the table of codes.',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...names.map((name) => `| [${name}](errors/${fileOf(name)}) | ${codes[name]?.meaning} |`),
  )
}

/** @param {readonly string[]} texts */
function lines(...texts) {
  return `${texts.join('\n')}\n`
}
