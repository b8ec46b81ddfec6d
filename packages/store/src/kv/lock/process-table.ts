import { hostname } from 'node:os'
import { assert, processStartMs } from '@varve/pack/base'
import { type FileSystem, hasCode } from '@varve/pack/fs'

/** Tells a process from all others, also from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in a form that only `isSameStart` understands. */
  readonly start: string
  /** Of the system that runs it: another one after each boot; empty where the system does not say. */
  readonly boot: string
  readonly host: string
  /**
   * Of its pid namespace, outside of which its number means nothing; empty for the first one, or where
   * unknown.
   */
  readonly namespace: string
}

/** 'none': no process of this namespace has the number, or only a dead one that nobody has waited for. */
export type ProcessState =
  | { readonly kind: 'none' }
  /** `start` is undefined where the system does not tell. */
  | { readonly kind: 'running'; readonly start: string | undefined }

/** The Linux kernel's constant for the first pid namespace (PROC_PID_INIT_INO). */
const firstNamespace = '4026531836'
/** Without `/proc` a start time is computed, and never twice quite the same. */
const startToleranceMs = 50

/** What the system knows about processes. */
export class ProcessTable {
  readonly #fileSystem: FileSystem
  readonly #folder: string

  /** `folder` is where `/proc` is. */
  constructor(fileSystem: FileSystem, folder: string = '/proc') {
    this.#fileSystem = fileSystem
    this.#folder = folder
  }

  /**
   * @throws what the file system throws; only where there is no `/proc` at all, the process's own clock must
   * do.
   */
  async self(): Promise<ProcessIdentity> {
    const { pid } = process
    const stat = await this.#read(`${pid}/stat`, ['ENOENT'])
    const bootId = await this.#read('sys/kernel/random/boot_id', ['ENOENT', 'EACCES'])
    return {
      pid,
      start: stat === undefined ? `computed:${Math.round(processStartMs())}` : startOf(stat),
      boot: bootId?.trim() ?? '',
      host: hostname(),
      namespace: await this.#namespace(),
    }
  }

  async find(pid: number): Promise<ProcessState> {
    // ESRCH: it ended while it was read. Some systems hide the processes of others.
    const stat = await this.#read(`${pid}/stat`, ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])
    const parsed = stat === undefined ? undefined : parseStat(stat)
    if (parsed === undefined) {
      return isSignalable(pid) ? { kind: 'running', start: undefined } : { kind: 'none' }
    }
    return parsed.isDead ? { kind: 'none' } : { kind: 'running', start: parsed.start }
  }

  async #namespace(): Promise<string> {
    const namespace = await this.#fileSystem.stat(`${this.#folder}/self/ns/pid`)
    const inode = namespace === undefined ? firstNamespace : String(namespace.inode)
    return inode === firstNamespace ? '' : inode
  }

  async #read(path: string, codesOfAbsence: readonly string[]): Promise<string | undefined> {
    try {
      return (await this.#fileSystem.readFile(`${this.#folder}/${path}`)).toString('utf8')
    } catch (error) {
      if (codesOfAbsence.some((code) => hasCode(error, code))) return undefined
      throw error
    }
  }
}

export function isSameStart(a: string, b: string): boolean {
  if (a.startsWith('computed:') && b.startsWith('computed:')) {
    return Math.abs(Number(a.slice(9)) - Number(b.slice(9))) <= startToleranceMs
  }
  return a === b
}

/**
 * The start time is field 22 of `/proc/<pid>/stat`, in ticks since boot (proc(5)). The second field is the
 * program's name in parentheses, and may contain anything.
 */
function parseStat(stat: string): { readonly start: string; readonly isDead: boolean } | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  const start = fields[19]
  if (state === undefined || start === undefined || !/^\d+$/.test(start)) return undefined
  return { start, isDead: state === 'Z' || state === 'X' }
}

function startOf(stat: string): string {
  const parsed = parseStat(stat)
  assert(parsed !== undefined, 'a process can read its own start time')
  return parsed.start
}

function isSignalable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, but somebody else's.
    return !hasCode(error, 'ESRCH')
  }
}
