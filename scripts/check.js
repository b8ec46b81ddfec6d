// pnpm check: may this be merged? Goes through all questions, prints yes or no for each, and a last yes or
// no.
// --static leaves out the tests, for those who have just run them.
import { compile } from './compile.js'
import { biome, runNode, tsc, vitest } from './run.js'

const isStatic = process.argv.includes('--static')

compile()
const questions = [
  { name: 'types', ask: () => runNode(tsc, ['-p', 'tsconfig.tests.json']) },
  { name: 'lint and format', ask: () => runNode(biome, ['check', '--error-on-warnings']) },
  { name: 'floors, doors, sizes, words, documents', ask: () => runVitest(['tidy']) },
  { name: 'tests', ask: () => runVitest(['unit', 'whole']) },
]

const answers = questions
  .slice(0, isStatic ? 2 : undefined)
  .map(({ name, ask }) => ({ name, isYes: ask() === 0 }))

console.log()
for (const { name, isYes } of answers) console.log(`${isYes ? 'yes' : 'NO '}  ${name}`)
const isYes = answers.every((answer) => answer.isYes)
console.log(isYes ? 'yes' : 'no')
process.exit(isYes ? 0 : 1)

/** @param {readonly string[]} projects */
function runVitest(projects) {
  return runNode(vitest, ['run', ...projects.map((project) => `--project=${project}`)])
}
