import type { CommandContext } from '../context/index.ts'

export interface MovedRef {
  readonly kind: 'branch' | 'tag'
  readonly name: string
  /** The name it had. */
  readonly from?: string | undefined
  readonly before: string | undefined
  readonly after: string | undefined
}

/** Says where a ref is now. */
export async function showMoved({ output }: CommandContext, moved: MovedRef): Promise<void> {
  const { kind, name, from, before, after } = moved
  const was = from === undefined ? {} : { from }
  const json = { type: 'moved', ref: kind, name, ...was, before: before ?? null, after: after ?? null }
  await output.document(json, () => {
    if (!output.isForEyes) return [[name, before ?? '-', after ?? '-'].join('\t')]
    if (after === undefined) return [`${kind} ${name} is gone (was at ${output.hash(before ?? '-')})`]
    const earlier = before === undefined ? '' : ` (was at ${output.hash(before)})`
    const renamed = from === undefined ? '' : `, before ${from},`
    return [`${kind} ${name}${renamed} is at ${output.hash(after)}${earlier}`]
  })
}
