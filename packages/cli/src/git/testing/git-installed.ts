import { spawnSync } from 'node:child_process'

/** Whether there is a git to test with. When there is none, the run says what is left out for want of it. */
export function gitInstalled(leftOut: string): boolean {
  if (spawnSync('git', ['--version'], { stdio: 'ignore' }).error === undefined) return true
  process.stderr.write(`git is not installed: ${leftOut} not tested\n`)
  return false
}
