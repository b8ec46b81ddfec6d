import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Decides, at each piece of what a program says, whether it is to be killed now. */
export type Verdict = (text: string) => boolean

/**
 * Runs a built program until it has said enough, kills it with signal 9, and gives every whole line that it
 * had said until its end.
 */
export async function runUntilKilled(
  program: string,
  args: readonly (string | number)[],
  isEnough: Verdict,
): Promise<string[]> {
  const file = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args.map(String)], { stdio: 'pipe' })
  let text = ''
  let complaint = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
    if (!child.killed && isEnough(text)) child.kill('SIGKILL')
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaint += part
  })
  const end = await new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  if (end !== 'SIGKILL' || complaint !== '') throw new Error(`${program} ended with ${end}: ${complaint}`)
  return text.split('\n').slice(0, -1)
}

/** Enough is this many lines with one of these beginnings, and then this many more bytes of any. */
export function afterLines(count: number, beginnings: readonly string[], moreBytes: number): Verdict {
  let from: number | undefined
  return (text) => {
    const lines = text.split('\n').slice(0, -1)
    const heard = lines.filter((line) => beginnings.some((beginning) => line.startsWith(beginning)))
    if (heard.length >= count) from ??= text.length
    return from !== undefined && text.length >= from + moreBytes
  }
}
