import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { codes } from '@varve/pack/errors'
import { describe, expect, test } from 'vitest'
import { errorPages } from '../../scripts/error-pages.js'
import { documents, type Link } from './support/markdown.ts'
import { listFiles, readText, root } from './support/workspace.ts'

const readmeLinesMax = 150

describe('documents', () => {
  test('every link inside the project leads somewhere', () => {
    const broken = documents.flatMap(({ links }) => links.filter((link) => !leadsSomewhere(link)))
    expect(broken).toEqual([])
    expect(documents.flatMap(({ links }) => links).length).toBeGreaterThan(10)
  })

  test('those that a newcomer looks for are there, and each page of docs/ is linked from somewhere', () => {
    const files = documents.map(({ file }) => file)
    const expected = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'STYLE.md', 'docs/glossary.md']
    expect(expected.filter((file) => !files.includes(file))).toEqual([])
    const linked = new Set(documents.flatMap(({ links }) => links.map(targetFile)))
    expect(files.filter((file) => file.startsWith('docs/') && !linked.has(file))).toEqual([])
  })

  test(`the README stays within ${readmeLinesMax} lines and shows how to start on its first screen`, () => {
    const lines = readText('README.md').trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(readmeLinesMax)
    const firstScreen = lines.slice(0, 30).join('\n')
    expect(firstScreen).toContain('npm start')
    expect(firstScreen).toContain('npm test')
  })

  test('the pages of the error codes say what the table of codes says', () => {
    const expected = errorPages(codes)
    const written = listFiles().filter((file) => file.startsWith('docs/errors/') || file === 'docs/errors.md')
    expect(written).toEqual([...expected.keys()].sort())
    for (const [file, text] of expected) expect(readText(file), file).toBe(text)
  })
})

function leadsSomewhere(link: Link): boolean {
  if (/^https?:/.test(link.target)) return true
  const file = targetFile(link)
  const [, fragment] = link.target.split('#')
  if (fragment === undefined) return existsSync(join(root, file))
  return documents.some((document) => document.file === file && document.anchors.has(fragment))
}

/** The file that a link inside the project leads to, from the root. */
function targetFile({ file, target }: Link): string {
  const path = target.split('#')[0] as string
  return path === '' ? file : posix.join(posix.dirname(file), path)
}
