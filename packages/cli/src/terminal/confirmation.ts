import { throwIfAborted } from '@varve/pack/errors'
import type { Host } from '../host/index.ts'
import { CommandFailure } from './command-failure.ts'

/**
 * Lets a person say yes before something is dropped. Elsewhere than on a terminal `--yes` has to say it.
 * @param o.plan what will be gone, one line each
 * @param o.details more of it, for the person who is asked
 * @throws CommandFailure CONFIRMATION_NEEDED without a terminal, or when the answer is not yes; ABORTED when
 * the command was interrupted meanwhile, whatever the answer
 */
export async function confirm(
  host: Host,
  o: {
    readonly isYes: boolean
    readonly plan: readonly string[]
    readonly details?: readonly string[]
    readonly question: string
  },
): Promise<void> {
  if (o.isYes) return
  if (!host.stdin.isTerminal || !host.stderr.isTerminal) {
    throw new CommandFailure('CONFIRMATION_NEEDED', `${o.plan.join('; ')}: not without --yes`, {
      hint: 'On a terminal the command asks; elsewhere give --yes, or -n to see what it would do.',
    })
  }
  for (const line of [...o.plan, ...(o.details ?? [])]) await host.stderr.write(`${line}\n`)
  await host.stderr.write(`${o.question} [y/N] `)
  const answer = (await host.stdin.readLine()) ?? ''
  // The Ctrl-C that came before the answer may be noticed after it.
  await host.clock.turn()
  throwIfAborted(host.interrupted)
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure('CONFIRMATION_NEEDED', 'nothing was changed')
}
