import type { Argument, Command, Option } from 'commander'

/** Something that the word under the cursor may become. */
export interface Candidate {
  readonly value: string
  readonly about: string
}

export interface Candidates {
  readonly values: readonly Candidate[]
  /** Names of files fit here. */
  readonly wantsFiles: boolean
}

const FILE_ARGUMENTS: ReadonlySet<string> = new Set(['FILE', 'DIR', 'REPO'])
const FILE_OPTIONS: ReadonlySet<string> = new Set(['--store'])
const nothing: Candidates = { values: [], wantsFiles: false }

/** @param words of the command line after the command's own name; the last is the one under the cursor */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const place = placeAfter(program, before)
  if (place.pending !== undefined) return valuesOf(place.pending)
  if (place.isOnlyArguments) return argumentsOf(place)
  if (current.startsWith('-')) return { values: optionsOf(place.command), wantsFiles: false }
  const commands = place.argumentCount === 0 ? place.command.commands : []
  if (commands.length > 0) {
    const values = commands.map((part) => ({ value: part.name(), about: part.description() }))
    return { values, wantsFiles: false }
  }
  return argumentsOf(place)
}

interface Place {
  readonly command: Command
  /** Words that are neither commands nor options. */
  readonly argumentCount: number
  /** The option whose value comes next. */
  readonly pending: Option | undefined
  /** After `--`. */
  readonly isOnlyArguments: boolean
}

function placeAfter(program: Command, words: readonly string[]): Place {
  let command = program
  let argumentCount = 0
  let pending: Option | undefined
  for (const [at, word] of words.entries()) {
    if (pending !== undefined) {
      pending = undefined
      continue
    }
    if (word === '--') {
      return { command, argumentCount: argumentCount + words.length - at - 1, pending, isOnlyArguments: true }
    }
    if (word.startsWith('-')) {
      const option = word.includes('=') ? undefined : optionNamed(command, word)
      if (option?.required === true) pending = option
      continue
    }
    const next = argumentCount === 0 ? command.commands.find((part) => part.name() === word) : undefined
    if (next === undefined) argumentCount++
    else command = next
  }
  return { command, argumentCount, pending, isOnlyArguments: false }
}

/** Of the command, or of one above it. */
function optionNamed(command: Command, word: string): Option | undefined {
  for (const part of lineage(command)) {
    const found = part.options.find((option) => option.short === word || option.long === word)
    if (found !== undefined) return found
  }
  return undefined
}

function optionsOf(command: Command): Candidate[] {
  const own = lineage(command).flatMap((part) => part.options)
  return own.flatMap((option) =>
    option.long === undefined ? [] : [{ value: option.long, about: option.description }],
  )
}

function valuesOf(option: Option): Candidates {
  if (FILE_OPTIONS.has(option.long ?? '')) return { values: [], wantsFiles: true }
  return { values: (option.argChoices ?? []).map((value) => ({ value, about: '' })), wantsFiles: false }
}

function argumentsOf({ command, argumentCount }: Place): Candidates {
  const { registeredArguments } = command
  const last = registeredArguments.at(-1)
  const argument: Argument | undefined =
    registeredArguments[argumentCount] ?? (last?.variadic === true ? last : undefined)
  if (argument === undefined) return nothing
  const values = (argument.argChoices ?? []).map((value) => ({ value, about: '' }))
  return { values, wantsFiles: FILE_ARGUMENTS.has(argument.name()) }
}

function lineage(command: Command): Command[] {
  const found: Command[] = []
  for (let part: Command | null = command; part !== null; part = part.parent) found.push(part)
  return found
}
