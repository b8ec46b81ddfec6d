import type { StoreFacts } from '@varve/store/internal'
import { CommandFailure, shownLines } from '../../terminal/index.ts'
import { type CommandContext, storeFolder, userPath } from '../context/index.ts'
import { version } from '../version.ts'

/** Facts for a report of a fault: of the machine and of the store's files, and nothing that is stored. */
export async function doctor(context: CommandContext, o: { readonly bundle?: string }): Promise<void> {
  const { host, output } = context
  const { storeFacts } = await import('@varve/store/internal')
  const facts = await storeFacts(storeFolder(context))
  const { platform, arch, versions } = process
  const machine = { varve: version, node: versions.node, v8: versions.v8, platform, arch }
  const report = { type: 'doctor', ...machine, ...facts }
  if (o.bundle !== undefined) {
    const path = userPath(context, o.bundle)
    if ((await host.files.kind(path)) !== undefined) {
      throw new CommandFailure('EXISTS', `there is something at ${path} already`)
    }
    const text = `${JSON.stringify(report, null, 2)}\n`
    await host.files.create(path, Buffer.from(text), { isExecutable: false })
  }
  await output.facts(report, rows(context, facts, Object.entries(machine)))
}

function rows(
  { output }: CommandContext,
  facts: StoreFacts,
  machine: readonly (readonly [string, string])[],
): (readonly [string, string])[] {
  const { control, writer, files, missing, leftovers, others, events, failures, hints } = facts
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const free = facts.freeBytes === undefined ? '-' : output.size(facts.freeBytes)
  return [
    ...machine,
    ['path', facts.path],
    ['file system', facts.fileSystem ?? '-'],
    ['free', free],
    ['format', String(control?.format ?? '-')],
    ['id', control?.storeId ?? '-'],
    ['epoch', String(control?.epoch ?? '-')],
    ['chunks', String(control?.chunks.length ?? '-')],
    ['segments', String(control?.segments.length ?? '-')],
    ['volumes', String(control?.volumes.length ?? '-')],
    ['writer', writer === undefined ? '-' : `${writer.pid} ${shownLines(writer.program)}`],
    ['files', `${output.count(files.length)}`],
    ['bytes', output.size(bytes)],
    ...missing.map((name) => ['missing', name] as const),
    ...leftovers.map(({ name }) => ['left over', name] as const),
    ...others.map(({ name }) => ['not ours', shownLines(name)] as const),
    ...events.map((event) => ['event', shownLines(JSON.stringify(event))] as const),
    ...failures.map((text) => ['failed', shownLines(text)] as const),
    ...hints.map((text) => ['hint', text] as const),
  ]
}
