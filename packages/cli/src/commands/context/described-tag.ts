/** How a tag reads, as JSON and as text. */
import type { Commit, StoreReader, TagAnnotation, TagReader } from '@varve/store'
import { firstLine, type JsonRecord, type Output, shownLines } from '../../terminal/index.ts'

export interface ShownTag {
  readonly name: string
  readonly target: Commit
  /** `undefined`: the tag is a name and nothing more. */
  readonly annotation: TagAnnotation | undefined
}

/** The tag as it is now; `undefined` when it is gone. */
export async function shownTag(tag: TagReader): Promise<ShownTag | undefined> {
  const target = await tag.target()
  if (target === undefined) return undefined
  return { name: tag.name, target, annotation: await tag.annotation() }
}

/** The tag of exactly this name, if that is what a revision means. */
export async function tagNamed(
  store: StoreReader,
  name: string,
  commit: Commit,
): Promise<ShownTag | undefined> {
  for await (const tag of store.tags({ prefix: name })) {
    if (tag.name !== name) continue
    const found = await shownTag(tag)
    return found?.target.hash === commit.hash ? found : undefined
  }
  return undefined
}

/** `date` is that of the commit; what the tag says has names of its own. */
export function tagJson({ name, target, annotation }: ShownTag): JsonRecord {
  const common = { type: 'tag', name, commit: target.hash, date: target.date.toISOString() }
  if (annotation === undefined) return common
  const { message, author, date } = annotation
  return { ...common, message, ...(author !== '' && { author }), tagDate: date.toISOString() }
}

/** With the whole message. */
export function tagLines(output: Output, { name, target, annotation }: ShownTag): string[] {
  const { palette } = output
  const fact = (key: string, value: string): string =>
    output.isForEyes ? `${palette.dim(key.padEnd(8))}${value}` : `${key}\t${value}`
  const lines = [fact('tag', palette.green(name)), fact('commit', palette.yellow(target.hash))]
  if (annotation === undefined) return [...lines, '']
  const { message, author, date } = annotation
  if (author !== '') lines.push(fact('author', firstLine(author)))
  lines.push(fact('date', output.date(date)), '')
  if (message.trimEnd() === '') return lines
  for (const line of shownLines(message.trimEnd()).split('\n')) lines.push(line === '' ? '' : `    ${line}`)
  return [...lines, '']
}
