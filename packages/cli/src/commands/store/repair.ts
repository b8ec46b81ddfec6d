import type { Progress } from '@varve/store'
import type { RepairReport, RepairStep } from '@varve/store/internal'
import { progressView, shownLines } from '../../terminal/index.ts'
import { type CommandContext, EXIT_FINDINGS, storeFolder, userPath } from '../context/index.ts'
import { showFinding } from './finding-lines.ts'

export interface RepairCommandOptions {
  readonly apply: boolean
  /** Folder of another store. */
  readonly from: string | undefined
}

/**
 * Without `apply` the plan: exit code 3 when there is something to do, or something that cannot be done. With
 * it, 3 when something remains.
 */
export async function repair(context: CommandContext, options: RepairCommandOptions): Promise<number> {
  const { host, output, signal } = context
  const { repairStore } = await import('@varve/store/internal')
  const view = await progressView(host, context.options)
  const onProgress = ({ phase, done, total, bytesDone, etaMs }: Progress): void =>
    view.update({ label: phase, done, total, bytes: bytesDone, etaMs })
  const from = options.from === undefined ? {} : { from: userPath(context, options.from) }
  let report: RepairReport
  try {
    report = await repairStore(storeFolder(context), { signal, onProgress, apply: options.apply, ...from })
  } finally {
    view.stop()
  }
  const { applied, steps, remaining, setAside } = report
  for (const step of steps) await showStep(context, step, applied)
  for (const finding of remaining) await showFinding(context, finding)
  for (const name of setAside) {
    if (output.isJson) await output.line(JSON.stringify({ type: 'kept', name }))
    else await output.line(output.isForEyes ? `kept what was damaged as ${name}` : `kept\t${name}`)
  }
  await summarize(context, report)
  const isDone = remaining.length === 0 && (applied || steps.length === 0)
  return isDone ? 0 : EXIT_FINDINGS
}

async function showStep({ output }: CommandContext, step: RepairStep, isDone: boolean): Promise<void> {
  if (output.isJson) return output.line(JSON.stringify({ type: 'step', ...step }))
  const { action, file, hash, ref, before, after, from } = step
  if (!output.isForEyes) {
    const fields = [action, file ?? hash ?? ref ?? '-', before ?? '-', after ?? '-', from ?? '-']
    return output.line(fields.map(shownLines).join('\t'))
  }
  const what = {
    rewrite: `write ${file} anew from its whole copy`,
    rebuild: `make ${file} anew`,
    restore: `take ${file} from ${from}`,
    put: `put ${hash === undefined ? 'an object' : output.hash(hash)} again, from ${from}`,
    'move-ref': `move ${ref} from ${output.hash(before ?? '')} to ${output.hash(after ?? '')}`,
  }[action]
  await output.line(
    `${isDone ? output.palette.green('done') : output.palette.yellow('would')}  ${shownLines(what)}`,
  )
}

async function summarize({ output }: CommandContext, report: RepairReport): Promise<void> {
  const { applied, steps, remaining, setAside } = report
  if (output.isJson) {
    const counts = { steps: steps.length, remaining: remaining.length, setAside: setAside.length }
    await output.line(JSON.stringify({ type: 'repair', applied, ...counts }))
  } else if (output.isForEyes) {
    if (steps.length === 0 && remaining.length === 0) await output.line('there is nothing to do')
    else if (!applied && steps.length > 0) await output.line('nothing was changed: --apply does it')
    if (remaining.length > 0) await output.line('what is listed as found cannot be made whole from here')
  } else
    await output.line(['repair', applied ? 'applied' : 'plan', steps.length, remaining.length].join('\t'))
  await output.flush()
}
