import type { Finding } from '../finding.ts'
import { bodyFacts } from './body-facts.ts'
import type { Facts, FindingRow } from './finding-row.ts'

/** Of an object: all fields that are numbers or texts. */
type Plain = Readonly<Record<string, unknown>>

/** Fields that have a column of their own, or that are for machines. */
const withoutFact = new Set(['type', 'position', 'size', 'offset', 'hash', 'kind', 'content', 'body', 'raw'])

/** The rows of one line: itself, and one for each thing in it. */
export function findingRows(finding: Finding): FindingRow[] {
  const { type } = finding
  switch (type) {
    case 'gap':
      return []
    case 'record':
      return [{ ...placed(finding), what: String(finding['kind']), facts: bodyFacts(finding) }]
    case 'records':
    case 'inspected':
      return [
        { ...placed(finding), what: type, facts: { kind: String(finding['kind']), ...factsOf(finding) } },
      ]
    case 'control':
    case 'manifest':
      return payloadRows(finding)
    case 'runs':
      return [counted(finding, 'runs'), ...triples(finding)]
    case 'entries':
      return [counted(finding, 'entries'), ...items(finding, 'entries').map((entry) => row('entry', entry))]
    case 'block':
      return [counted(finding, 'entries'), ...items(finding, 'entries').map(changeRow)]
    case 'index':
      return indexRows(finding)
    case 'filter-table':
      return [
        counted(finding, 'filters'),
        ...items(finding, 'filters').map((filter) => row('filter', filter)),
      ]
    case 'fences':
    case 'metadata':
    case 'healed':
      return [counted(finding, 'offsets'), ...(type === 'fences' ? [] : offsetRows(finding))]
    case 'hash-fences':
      return [counted(finding, 'hashes')]
    case 'touched':
      return [counted(finding, 'touches'), ...touchRows(finding)]
    case 'trailer':
    case 'filter':
      return [{ ...placed(finding), what: type, facts: {} }]
    default:
      return [{ ...placed(finding), what: type, facts: factsOf(finding) }]
  }
}

function payloadRows(finding: Finding): FindingRow[] {
  const payload = objectOf(finding['payload'])
  const lists = ['chunks', 'segments', 'volumes'].flatMap((name) =>
    listOf(payload[name]).map((item) => row(name.slice(0, -1), objectOf(item))),
  )
  const ones = ['checkpoint', 'target'].flatMap((name) =>
    payload[name] === null || payload[name] === undefined ? [] : [row(name, objectOf(payload[name]))],
  )
  return [{ ...placed(finding), what: finding.type, facts: factsOf(payload) }, ...lists, ...ones]
}

function indexRows(finding: Finding): FindingRow[] {
  const { kind: _, ...facts } = factsOf(finding)
  const objects = items(finding, 'objects').map((each) => ({
    what: `${each['kind']}s`,
    facts: factsOf(each),
  }))
  const sections = items(finding, 'sections').map(({ name, position, length, checksum }) => ({
    what: String(name),
    facts: factsOf({ position, length, checksum }, new Set()),
  }))
  return [{ ...placed(finding), what: 'index', facts }, ...objects, ...sections]
}

function triples(finding: Finding): FindingRow[] {
  return listOf(finding['runs']).map((run) => {
    const [offset, position, size] = run as number[]
    return { position, offset, size, what: 'run', facts: {} }
  })
}

function offsetRows(finding: Finding): FindingRow[] {
  const what = finding.type === 'healed' ? 'healed node' : 'metadata record'
  return listOf(finding['offsets']).map((offset) => ({ offset: offset as number, what, facts: {} }))
}

function touchRows(finding: Finding): FindingRow[] {
  return listOf(finding['touches']).map((touch) => {
    const [offset, time] = touch as number[]
    return { offset, what: 'touch', facts: { time } }
  })
}

function changeRow(entry: Plain): FindingRow {
  return { offset: entry['offset'] as number, what: 'meta', facts: bodyFacts({ ...entry, kind: 'meta' }) }
}

function row(what: string, item: Plain): FindingRow {
  const { offset, hash, kind } = item
  const facts = factsOf(item, inner)
  return {
    what,
    offset: typeof offset === 'number' ? offset : undefined,
    hash: typeof hash === 'string' ? hash : undefined,
    facts: { kind: typeof kind === 'string' ? kind : undefined, ...facts },
  }
}

/** What lies in a line has no place of its own in the file: `position` is one of its facts. */
const inner = new Set(['offset', 'hash', 'kind'])

function counted(finding: Finding, name: string): FindingRow {
  const { [name]: list, ...rest } = finding
  return { ...placed(finding), what: finding.type, facts: { ...factsOf(rest), count: listOf(list).length } }
}

function placed(finding: Finding): Pick<FindingRow, 'position' | 'offset' | 'size' | 'hash'> {
  const { position, offset, size, hash } = finding
  return {
    position: typeof position === 'number' ? position : undefined,
    offset: typeof offset === 'number' ? offset : undefined,
    size: typeof size === 'number' ? size : undefined,
    hash: typeof hash === 'string' ? hash : undefined,
  }
}

function factsOf(item: Plain, without: ReadonlySet<string> = withoutFact): Facts {
  const facts: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(item)) {
    if (without.has(name)) continue
    if (typeof value === 'string' || typeof value === 'number') facts[name] = value
    else if (typeof value === 'boolean') facts[name] = String(value)
  }
  return facts
}

function items(finding: Finding, name: string): Plain[] {
  return listOf(finding[name]).map(objectOf)
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : []
}

/** The payload of a control file of another format may be anything. */
function objectOf(value: unknown): Plain {
  return typeof value === 'object' && value !== null ? (value as Plain) : {}
}
