import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { HostFiles } from '../host/index.ts'

/** Which different names are one on a file system. */
export type NameFolding = 'none' | 'normalisation' | 'case'

/** Finds out by making a file in the folder and looking for it under other names; the file is removed. */
export async function probeFolding(files: HostFiles, folder: string): Promise<NameFolding> {
  const name = `varve-probe-${randomBytes(8).toString('hex')}-\u00e9`
  const path = join(folder, name)
  await files.create(path, new Uint8Array(), { isExecutable: false })
  try {
    if ((await files.kind(join(folder, name.toUpperCase()))) !== undefined) return 'case'
    const decomposed = name.normalize('NFD')
    return (await files.kind(join(folder, decomposed))) === undefined ? 'none' : 'normalisation'
  } finally {
    await files.remove(path)
  }
}

/**
 * Names that are one on such a file system give one text. Where letters fold, composed forms are taken to
 * fold, too.
 */
export function foldedName(name: Uint8Array, folding: NameFolding): string {
  const text = Buffer.from(name).toString('utf8')
  if (folding === 'none') return Buffer.from(name).toString('latin1')
  const composed = text.normalize('NFC')
  return folding === 'normalisation' ? composed : Array.from(composed, foldedLetter).join('')
}

/** One letter for one letter: 'ß' and 'SS' are different names everywhere. */
function foldedLetter(letter: string): string {
  const upper = letter.toUpperCase()
  const single = upper.length === letter.length ? upper : letter
  const lower = single.toLowerCase()
  return lower.length === single.length ? lower : single
}
