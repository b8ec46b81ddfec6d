// Prints the outcome of the last test run, from the report that scripts/test.js leaves behind: in the last
// line `N passed, N failed`, before it how many were skipped, if any were.
// Arguments: the exit codes of the steps so far. One that is not 0 counts as a failure even if no test
// failed: a compiler error, a crash of the runner, a lint rule.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.js'

const failedSteps = process.argv.slice(2).filter((code) => code !== '0').length
const { passed, failed, skipped } = read(join(root, '.cache', 'test-report.json'))
// Without a report nothing was run: the step that prevented it is the one failure.
const failedInAll = failed === 0 && failedSteps > 0 ? (passed === 0 ? 1 : failedSteps) : failed
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failedInAll} failed`)
process.exit(failedInAll === 0 && passed > 0 ? 0 : 1)

/** @param {string} file */
function read(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 }
  const report = JSON.parse(readFileSync(file, 'utf8'))
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.testResults.filter(brokeBeforeItsTests).length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/**
 * A file that could not even be loaded has no failed test to its name.
 * @param {{ status: string, assertionResults: { status: string }[] }} file
 */
function brokeBeforeItsTests(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')
}
