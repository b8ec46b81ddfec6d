import { systemClock } from '@varve/pack/base'
import { type Host, type HostOutput, NodeFiles, run } from 'varve/internal'

export interface CommandLineOptions {
  readonly folder?: string
  readonly input?: string | Uint8Array
  readonly environment?: Readonly<Record<string, string>>
  /** All three streams are a terminal; `answer` is what a person types there, when asked. */
  readonly terminal?: { readonly answer?: string | (() => string) } | undefined
  readonly interrupted?: AbortSignal
}

export interface CommandOutcome {
  readonly exit: number
  readonly stdout: string
  readonly stdoutBytes: Buffer
  readonly stderr: string
}

/** Runs one command line in this process, on streams of its own and the disk. */
export async function varve(
  argv: readonly string[],
  options: CommandLineOptions = {},
): Promise<CommandOutcome> {
  const out = new Recorder(options.terminal !== undefined)
  const err = new Recorder(options.terminal !== undefined)
  const host: Host = {
    environment: { PATH: process.env['PATH'], ...options.environment },
    folder: options.folder ?? process.cwd(),
    stdin: {
      isTerminal: options.terminal !== undefined,
      read: async function* () {
        yield Buffer.from(options.input ?? '')
      },
      readLine: async () => {
        const answer = options.terminal?.answer
        return typeof answer === 'function' ? answer() : answer
      },
    },
    stdout: out,
    stderr: err,
    clock: systemClock,
    files: new NodeFiles(),
    startPager: async () => undefined,
    interrupted: options.interrupted ?? new AbortController().signal,
  }
  const exit = await run(argv, host)
  return {
    exit,
    stdout: out.bytes.toString('utf8'),
    stdoutBytes: out.bytes,
    stderr: err.bytes.toString('utf8'),
  }
}

class Recorder implements HostOutput {
  readonly isTerminal: boolean
  readonly columns = 80
  readonly #parts: Buffer[] = []

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal
  }

  async write(content: string | Uint8Array): Promise<void> {
    this.#parts.push(Buffer.from(content as string))
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }
}
