import type { CheckOptions, CheckReport, Progress } from '@varve/store'
import { progressView } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, storeFolder } from '../context/index.ts'
import { showFinding } from './finding-lines.ts'

/** What is done beside reading everything. */
export interface CheckDepth {
  readonly full: boolean
  /** Part of the objects. */
  readonly sample: number | undefined
}

export interface CheckCommandOptions extends CheckDepth {
  /** The lower layer too. */
  readonly lower: boolean
}

/**
 * Looks at the store as it lies there: nothing is opened, so nothing is mended before it has been seen, and a
 * store in use can be checked too. Exit code 3 when something was found.
 */
export async function check(context: CommandContext, options: CheckCommandOptions): Promise<number> {
  const { checkFolder } = await import('@varve/store/internal')
  const { full, sample, lower } = options
  const parts = lower ? {} : { lower: null }
  return showReport(context, (o) => checkFolder(storeFolder(context), { ...o, full, sample }, parts))
}

/** Shows a check as it goes on and what it has found. Exit code 3 when that is something. */
export async function showReport(
  context: CommandContext,
  run: (o: Pick<CheckOptions, 'signal' | 'onProgress'>) => Promise<CheckReport>,
): Promise<number> {
  const { host, signal } = context
  const startedMs = host.clock.monotonic()
  const view = await progressView(host, context.options)
  const onProgress = ({ phase, done, total, bytesDone, etaMs }: Progress): void =>
    view.update({ label: phase, done, total, bytes: bytesDone, etaMs })
  let report: CheckReport
  try {
    report = await run({ signal, onProgress })
  } finally {
    view.stop()
  }
  for (const finding of report.findings) await showFinding(context, finding)
  await summarize(context, report, (host.clock.monotonic() - startedMs) / 1_000)
  return report.ok ? 0 : EXIT_FINDINGS
}

async function summarize({ output }: CommandContext, report: CheckReport, seconds: number): Promise<void> {
  const { findings, omitted, objects, bytes, hashed, ok } = report
  const found = findings.length + omitted
  if (output.isJson) {
    const json = { type: 'check', ok, findings: found, omitted, objects, bytes, hashed, seconds }
    await output.line(JSON.stringify(json))
  } else if (output.isForEyes) {
    const parts = [`${output.count(objects)} objects, ${output.size(bytes)}, in ${seconds.toFixed(1)} s`]
    if (hashed > 0) parts.push(`${output.count(hashed)} hashed again`)
    parts.push(ok ? 'nothing was found' : found === 1 ? 'one finding' : `${output.count(found)} findings`)
    if (omitted > 0) parts.push(`${output.count(omitted)} of them are not listed`)
    await output.line(parts.join('; '))
  } else await output.line(['checked', objects, bytes, hashed, found].join('\t'))
  await output.flush()
}
