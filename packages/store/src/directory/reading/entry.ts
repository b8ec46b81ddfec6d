import { unreachable } from '@varve/pack/base'
import {
  type EntryTarget,
  entryMode,
  type ModeNumber,
  type RawName,
  rawNameBytes,
  rawNameText,
  rawToHex,
} from '@varve/pack/objects'
import type { Entry, Hash, Mode } from '../../api/index.ts'
import { bytesOf } from './content.ts'

/** What stands at the end of a path, as callers see it; no names stand for the tree itself. */
export function entryAt(names: readonly RawName[], target: EntryTarget): Entry {
  return entryIn(names.slice(0, -1).map(rawNameText), names.at(-1) ?? '', target)
}

/** An entry of the directory at a path, as callers see it. */
export function entryIn(directory: readonly string[], rawName: RawName, target: EntryTarget): Entry {
  const name = rawNameText(rawName)
  const nameBytes = bytesOf(rawNameBytes(rawName))
  const path = rawName === '' ? directory : [...directory, name]
  const { size, count, mode } = target
  const hash = rawToHex(target.hash)
  if (mode === entryMode.directory) {
    return { kind: 'tree', name, nameBytes, path, hash: hash as Hash<'tree'>, count, bytes: size }
  }
  return { kind: 'blob', name, nameBytes, path, hash: hash as Hash<'blob'>, size, mode: modeOf(mode) }
}

/** The number that stands for a mode in a node. */
export function modeNumber(mode: Mode): ModeNumber {
  switch (mode) {
    case 'file':
    case 'executable':
    case 'symlink':
    case 'submodule':
      return entryMode[mode]
    default:
      return unreachable(mode)
  }
}

function modeOf(mode: Exclude<ModeNumber, 4>): Mode {
  switch (mode) {
    case 0:
      return 'file'
    case 1:
      return 'executable'
    case 2:
      return 'symlink'
    case 3:
      return 'submodule'
    default:
      return unreachable(mode)
  }
}
