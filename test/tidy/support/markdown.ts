import { listFiles, readText } from './workspace.ts'

/** A fenced block. */
export interface Snippet {
  readonly file: string
  /** Of the opening fence, counted from 1. */
  readonly line: number
  readonly language: string
  /** What follows the language on the fence's line. */
  readonly note: string
  readonly text: string
}

/** A link outside of fenced blocks. */
export interface Link {
  readonly file: string
  readonly line: number
  readonly target: string
}

export interface Document {
  readonly file: string
  readonly snippets: readonly Snippet[]
  readonly links: readonly Link[]
  /** The fragments that links may end in. */
  readonly anchors: ReadonlySet<string>
}

/** Every Markdown document of the project. */
export const documents: readonly Document[] = listFiles()
  .filter((file) => file.endsWith('.md'))
  .map(readDocument)

function readDocument(file: string): Document {
  const snippets: Snippet[] = []
  const links: Link[] = []
  const anchors = new Set<string>()
  const lines = readText(file).split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string
    const fence = /^(\s*)(```+|~~~+)\s*(\S*)\s*(.*)$/.exec(line)
    if (fence !== null) {
      const end = endOfFence(lines, index, fence[2] as string)
      const body = lines.slice(index + 1, end).map((text) => text.slice(fence[1]?.length))
      snippets.push({
        file,
        line: index + 1,
        language: fence[3] ?? '',
        note: fence[4] ?? '',
        text: `${body.join('\n')}\n`,
      })
      index = end
      continue
    }
    const heading = /^#+ (.*)$/.exec(line)
    if (heading !== null) anchors.add(anchorOf(heading[1] as string))
    links.push(...linksOf(file, line, index + 1))
  }
  return { file, snippets, links, anchors }
}

function endOfFence(lines: readonly string[], start: number, fence: string): number {
  const end = lines.findIndex((line, index) => index > start && line.trim() === fence)
  return end === -1 ? lines.length : end
}

/** As the usual viewers of Markdown derive it from a heading. */
function anchorOf(heading: string): string {
  const plain = heading.replace(/`/g, '').trim().toLowerCase()
  return plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/ /g, '-')
}

function linksOf(file: string, line: string, number: number): Link[] {
  const outsideCode = line.replace(/`[^`]*`/g, '')
  return [...outsideCode.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
    file,
    line: number,
    target: match[1] as string,
  }))
}
