import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const packageFolder: string = fileURLToPath(new URL('../../../', import.meta.url))
/** Resolves as this package does. */
export const requireHere: NodeJS.Require = createRequire(join(packageFolder, 'package.json'))

const builtKv = pathToFileURL(join(packageFolder, 'dist', 'kv', 'index.js')).href
const packUrl = (room: string): string => pathToFileURL(requireHere.resolve(`@varve/pack/${room}`)).href

/**
 * The beginning of a program for another process or thread, over what is built: `acquire()` takes the lock of
 * the store at `root`, `told()` says how that went: [the lock, 'held'] or [undefined, the error's code].
 */
export function lockProgram(root: string, options: string = ''): string {
  return `
    const { acquireStoreLock } = await import(${JSON.stringify(builtKv)})
    const { NodeFileSystem } = await import(${JSON.stringify(packUrl('fs'))})
    const { systemClock } = await import(${JSON.stringify(packUrl('base'))})
    const acquire = () => acquireStoreLock({
      fileSystem: new NodeFileSystem(), clock: systemClock, root: ${JSON.stringify(root)}, ${options}
    })
    const told = async () => {
      try {
        return [await acquire(), 'held']
      } catch (error) {
        return [undefined, error.code ?? String(error)]
      }
    }
  `
}

/** A program and the first line that it said. */
export interface OtherProcess {
  readonly child: ChildProcess
  readonly line: string
}

/** Other processes of a test, none of which outlives it. */
export class OtherProcesses {
  readonly #children = new Set<ChildProcess>()

  /** Runs a program and waits for its first line. Rejects when it ends without one. */
  async start(code: string): Promise<OtherProcess> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: packageFolder,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#children.add(child)
    const line = await new Promise<string>((resolve, reject) => {
      let text = ''
      child.stdout.on('data', (part: Buffer) => {
        text += part.toString()
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
      })
      child.once('exit', () => reject(new Error(`the other process ended after saying: ${text}`)))
    })
    return { child, line }
  }

  /** One that takes the lock if it gets it, and holds it until its input ends. */
  async startHolder(root: string, options?: string): Promise<OtherProcess> {
    return this.start(`${lockProgram(root, options)}
      const [lock, word] = await told()
      console.log(word)
      process.stdin.resume().on('end', () => lock?.release())
    `)
  }

  /** What one is told that wants the lock now. */
  async ask(root: string): Promise<string> {
    const { child, line } = await this.start(`${lockProgram(root)}
      const [lock, word] = await told()
      await lock?.release()
      console.log(word)
    `)
    await ended(child)
    return line
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#children].map(kill))
    this.#children.clear()
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}
