import { spawnSync } from 'node:child_process'

/** Whether a program is there to test with. When it is not, the run says what is left out for want of it. */
export function isInstalled(program: 'git' | 'bash', leftOut: string): boolean {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined) return true
  process.stderr.write(`${program} is not installed: ${leftOut} not tested\n`)
  return false
}

/** The same for anything else that not every system has. */
export function isThere(has: boolean, what: string, leftOut: string): boolean {
  if (!has) process.stderr.write(`${what} is not there: ${leftOut} not tested\n`)
  return has
}
