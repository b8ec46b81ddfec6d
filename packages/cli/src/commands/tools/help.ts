import type { Command } from 'commander'
import { CommandFailure } from '../../terminal/index.ts'
import { type CommandContext, nearName } from '../context/index.ts'
import { topics } from './help-topics.ts'

/** About a command, as its --help; or about a topic. */
export async function help(
  context: CommandContext,
  program: Command,
  topic: readonly string[],
): Promise<void> {
  const [word] = topic
  const page = word === undefined ? undefined : topics.get(word)
  const text = page !== undefined && topic.length === 1 ? page : commandHelp(program, topic)
  await context.output.document({ type: 'help', topic: topic.join(' '), text }, () => [text.trimEnd()])
}

function commandHelp(program: Command, names: readonly string[]): string {
  let command = program
  for (const name of names) {
    const next = command.commands.find((part) => part.name() === name)
    if (next === undefined) throw unknownTopic(program, names)
    command = next
  }
  return command.helpInformation()
}

function unknownTopic(program: Command, names: readonly string[]): CommandFailure {
  const known = [...program.commands.map((part) => part.name()), ...topics.keys()]
  const near = nearName(names[0] ?? '', known)
  const hint = near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`
  return new CommandFailure('USAGE', `no help about ${JSON.stringify(names.join(' '))}${hint}`)
}
