import {
  type BodyView,
  decodeNode,
  encodeNode,
  entryMode,
  type InnerChild,
  type ModeNumber,
  rawNameBytes,
  rawToHex,
  type TreeEntry,
} from '@varve/pack/objects'
import { type LineFields, UnbuildableLine } from '../line-fields.ts'
import { textFields } from '../shown-fields.ts'
import type { BodyFields, BuiltBody } from './built-body.ts'

/** @throws MalformedBody */
export function nodeFields(view: BodyView): BodyFields {
  const node = decodeNode(view)
  if (node.form === 'leaf') return { form: 'leaf', entries: node.entries.map(entryFields) }
  const { at, prefix, children } = node
  return {
    form: 'inner',
    at,
    prefix: rawNameBytes(prefix).toString('hex'),
    children: children.map((child) => ({ ...child, hash: rawToHex(child.hash) })),
  }
}

export function buildNode(fields: LineFields): BuiltBody {
  if (fields.text('form') === 'leaf') {
    const entries = fields.list('entries').map(entryOf)
    return { body: encodeNode({ form: 'leaf', entries }), referenceCount: entries.length }
  }
  const children = fields.list('children').map(childOf)
  const at = fields.integer('at', 0xffff)
  const prefix = fields.hex('prefix', (at + 7) >>> 3).toString('latin1')
  return { body: encodeNode({ form: 'inner', at, prefix, children }), referenceCount: children.length }
}

function entryFields({ name, mode, size, count, hash, offset }: TreeEntry): BodyFields {
  return {
    ...textFields('name', rawNameBytes(name)),
    mode: modeNames[mode],
    bytes: size,
    ...(mode === entryMode.directory && { count }),
    hash: rawToHex(hash),
    offset,
  }
}

function entryOf(fields: LineFields): TreeEntry {
  const mode = modeNames.indexOf(fields.text('mode'))
  if (mode < 0) throw new UnbuildableLine(`"mode" is none of ${modeNames.join(', ')}`)
  return {
    name: fields.textBytes('name').toString('latin1'),
    mode: mode as ModeNumber,
    size: fields.integer('bytes'),
    count: mode === entryMode.directory ? fields.integer('count') : 0,
    hash: fields.hex('hash', 32).toString('latin1'),
    offset: fields.integer('offset'),
  }
}

function childOf(fields: LineFields): InnerChild {
  return {
    slot: fields.integer('slot', 31),
    hash: fields.hex('hash', 32).toString('latin1'),
    offset: fields.integer('offset'),
    count: fields.integer('count'),
    bytes: fields.integer('bytes'),
  }
}

/** By number. */
const modeNames: readonly string[] = Object.keys(entryMode)
