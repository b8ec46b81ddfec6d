/** What the projections show: whose log, and up to which virtual offset. */
export interface KvNote {
  readonly storeId: string
  readonly projectedTo: number
}

export function encodeNote({ storeId, projectedTo }: KvNote): string {
  return `${projectedTo} ${storeId}`
}

/** `undefined` for anything that `encodeNote` does not write. */
export function decodeNote(text: string): KvNote | undefined {
  const match = /^(\d{1,16}) ([0-9a-f]+)$/.exec(text)
  if (match === null) return undefined
  const [, digits = '', storeId = ''] = match
  const projectedTo = Number(digits)
  return Number.isSafeInteger(projectedTo) ? { storeId, projectedTo } : undefined
}
