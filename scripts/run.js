import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the workspace, wherever a script was started from. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Runs a program in the workspace with its output on this terminal and without input. Returns its exit code.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env] added to this process's environment
 */
export function run(program, args, env = {}) {
  const outcome = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    // On Windows, npx is a batch file, which only a shell starts.
    shell: process.platform === 'win32' && program === 'npx',
  })
  if (outcome.error !== undefined) console.error(`${program}: ${outcome.error.message}`)
  return outcome.status ?? 1
}

/**
 * Runs a JavaScript file of the workspace, such as a tool's own entry in `node_modules`, with this Node.
 * @param {string} file relative to the workspace
 * @param {readonly string[]} [args]
 */
export function runNode(file, args = []) {
  return run(process.execPath, [join(root, file), ...args])
}

/**
 * Ends this script with the code, if it is not 0, saying what failed.
 * @param {number} code
 * @param {string} what
 */
export function stopUnlessOk(code, what) {
  if (code === 0) return
  console.error(`\n${what} failed (exit code ${code})`)
  process.exit(code)
}

export const tsc = 'node_modules/typescript/bin/tsc'
export const vitest = 'node_modules/vitest/vitest.mjs'
export const biome = 'node_modules/@biomejs/biome/bin/biome'
