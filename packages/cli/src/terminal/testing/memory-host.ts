import { ManualClock } from '@varve/pack/testing'
import { type Host, type HostOutput, type HostPager, NodeFiles, type PagerCommand } from '../../host/index.ts'

/** What was written, and whether it is a terminal. */
export class MemoryOutput implements HostOutput {
  readonly isTerminal: boolean
  readonly columns = 80
  text = ''

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal
  }

  async write(content: string | Uint8Array): Promise<void> {
    this.text += typeof content === 'string' ? content : Buffer.from(content).toString('latin1')
  }
}

/** A world in memory, whose clock a test turns. */
export class MemoryHost implements Host {
  readonly environment: Readonly<Record<string, string>>
  readonly folder = '/somewhere'
  readonly clock: ManualClock = new ManualClock()
  readonly files: NodeFiles = new NodeFiles()
  readonly interrupted: AbortSignal
  readonly stdout: MemoryOutput
  readonly stderr: MemoryOutput
  readonly stdin: Host['stdin']
  /** What is started when a pager is asked for; `undefined`: there is none. */
  pager: HostPager | undefined
  /** What was asked for. */
  readonly pagers: PagerCommand[] = []

  constructor(
    o: {
      readonly isTerminal?: boolean
      readonly environment?: Readonly<Record<string, string>>
      readonly answer?: string
      readonly interrupted?: AbortSignal
    } = {},
  ) {
    const isTerminal = o.isTerminal ?? false
    this.environment = o.environment ?? {}
    this.interrupted = o.interrupted ?? new AbortController().signal
    this.stdout = new MemoryOutput(isTerminal)
    this.stderr = new MemoryOutput(isTerminal)
    this.stdin = { isTerminal, read: async function* () {}, readLine: async () => o.answer }
  }

  async startPager(command: PagerCommand): Promise<HostPager | undefined> {
    this.pagers.push(command)
    return this.pager
  }
}
