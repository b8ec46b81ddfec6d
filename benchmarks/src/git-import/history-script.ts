import { SplitMix64 } from '../workloads/split-mix64.ts'

const COMMIT_COUNT = 12_000
const FILE_COUNT = 2_000
const CHANGES_PER_COMMIT = 3

/**
 * A history as `git fast-import` reads it, commit by commit: 2,000 files three folders deep, three of them
 * changed by each commit.
 */
export function* historyScript(): Generator<string> {
  const random = new SplitMix64(1)
  for (let commit = 0; commit < COMMIT_COUNT; commit++) yield commitText(commit, random)
}

function commitText(commit: number, random: SplitMix64): string {
  const seconds = 1_500_000_000 + commit * 60
  const message = `commit ${commit}\n\nwith a body\n`
  const changes = commit === 0 ? Array.from({ length: FILE_COUNT }, (_, file) => file) : drawn(random)
  const head =
    'commit refs/heads/main\n' +
    `author Ada <ada@example.org> ${seconds} +0200\ncommitter Bob <bob@example.org> ${seconds} +0100\n` +
    `data ${message.length}\n${message}\n`
  return head + changes.map((file) => fileText(file, random)).join('')
}

function drawn(random: SplitMix64): number[] {
  return Array.from({ length: CHANGES_PER_COMMIT }, () => random.index(FILE_COUNT))
}

function fileText(file: number, random: SplitMix64): string {
  const line = `line ${random.index(1 << 20)} of ${random.index(1 << 20)}\n`
  const content = line.repeat(10 + random.index(60))
  const path = `dir${file % 20}/sub${Math.floor(file / 20) % 10}/file${file}.txt`
  return `M 100644 inline ${path}\ndata ${content.length}\n${content}\n`
}
