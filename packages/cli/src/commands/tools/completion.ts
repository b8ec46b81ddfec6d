import { completionScript, shells } from '../../completion/index.ts'
import { CommandFailure } from '../../terminal/index.ts'
import type { CommandContext } from '../context/index.ts'

export async function completion({ output }: CommandContext, shell: string): Promise<void> {
  const known = shells.find((name) => name === shell)
  if (known === undefined) {
    throw new CommandFailure('USAGE', `no completion for ${JSON.stringify(shell)}: ${shells.join(', ')}`)
  }
  const script = completionScript(known)
  await output.document({ type: 'completion', shell, script }, () => [script.trimEnd()])
}
