import { systemClock } from '@varve/pack/base'
import { classifyFile } from '@varve/pack/layout'
import { expect } from 'vitest'

/**
 * How often to look at a folder until it is as expected: files are indexed, closed, and unlinked in the
 * background.
 */
const looksMax = { memory: 300, disk: 100_000 } as const

type Family = 'suffix' | 'gen' | 'meta' | 'filter'

/** Names of files, with letters for numbers. */
export type FileList = readonly (readonly string[])[]

/**
 * The files of a store by what they are rather than by number. Numbers come from one counter, so a file's
 * number is an accident; which file it is, is not. The first chunk that a test sees is `suffix-A`, the next
 * one `suffix-B`; the same for segments (`gen-A`), checkpoints (`meta-A`), and filters (`filter-A`), each in
 * the order of their numbers, which are never reused. Whoever makes files looks (`names`) after each step, so
 * that none comes and goes unseen.
 *
 * Files of the lower layer stand below their volume: `volume-1/suffix-A.pack` is the chunk that once was
 * `suffix-A.pack`. Ids of volumes and sequences of manifests start at 1 for each store, and are no accident.
 *
 * `control` is expected always; the lock, the projections, and the drafts never (other tests do that).
 */
export class FileLetters {
  readonly #looksMax: number
  readonly #list: () => Promise<string[]>
  readonly #seen: Readonly<Record<Family, number[]>> = { suffix: [], gen: [], meta: [], filter: [] }

  constructor(place: keyof typeof looksMax, list: () => Promise<string[]>) {
    this.#looksMax = looksMax[place]
    this.#list = list
  }

  /** The names now, with letters for numbers. */
  async names(): Promise<string[]> {
    const files = (await this.#list()).map((name) => ({ name, file: classifyFile(nameIn(name)) }))
    const numbers = files.flatMap(({ file }) => ('number' in file ? [file.number] : []))
    const isAscending = (a: { name: string }, b: { name: string }): number =>
      numberOf(a.name) - numberOf(b.name)
    expect(numbers.every((number) => number > 0)).toBe(true)
    return files
      .filter(({ file }) => !ignored.has(file.kind))
      .sort(isAscending)
      .map(({ name }) => this.#letter(name))
      .sort()
  }

  /** Asserts that the store consists of exactly these files, `control`, and nothing else. */
  async expect(...wanted: FileList): Promise<void> {
    await this.expectBetween(wanted, wanted)
  }

  /** Asserts that all the `least` are there, and nothing but the `most`, and `control`. */
  async expectBetween(least: FileList, most: FileList): Promise<void> {
    const needed = ['control', ...least.flat()]
    const allowed = ['control', ...most.flat()]
    const wrong = async (): Promise<{ readonly missing: string[]; readonly odd: string[] }> => {
      const names = await this.names()
      return {
        missing: needed.filter((name) => !names.includes(name)),
        odd: names.filter((name) => !allowed.includes(name)),
      }
    }
    for (let look = 0; look < this.#looksMax; look++) {
      const { missing, odd } = await wrong()
      if (missing.length + odd.length === 0) return
      await systemClock.turn()
    }
    expect(await wrong()).toEqual({ missing: [], odd: [] })
  }

  /**
   * Gives the letters of the newest files, if they are gone, to the next ones: which files of a collection
   * that was cut short somebody happened to see is left to chance.
   */
  async forgetGone(): Promise<void> {
    const packs = (await this.#list()).filter((name) => !nameIn(name).startsWith('manifest-'))
    const there = new Set(packs.map(numberOf))
    for (const numbers of Object.values(this.#seen)) {
      numbers.splice(numbers.findLastIndex((number) => there.has(number)) + 1)
    }
  }

  #letter(name: string): string {
    const match = /^(volume-[0-9]+\/)?(suffix|gen|meta|filter)-([0-9]+)(\..*)$/.exec(name)
    if (match === null) return name
    const [, volume = '', family = '', digits = '', extension = ''] = match
    const seen = this.#seen[family as Family]
    const number = Number(digits)
    if (!seen.includes(number)) {
      expect(number, `${name} has a number of its own`).toBeGreaterThan(seen.at(-1) ?? 0)
      seen.push(number)
    }
    return `${volume}${family}-${String.fromCharCode(65 + seen.indexOf(number))}${extension}`
  }
}

/** The chunk that is appended to. */
export function open(letter: string): string[] {
  return [`suffix-${letter}.pack`]
}

/** A chunk that is sealed and indexed. */
export function sealed(letter: string): string[] {
  return [`suffix-${letter}.pack`, `suffix-${letter}.idx`]
}

/** A segment of the generation. */
export function segment(letter: string): string[] {
  return [`gen-${letter}.pack`, `gen-${letter}.map`, `gen-${letter}.idx`]
}

export function checkpoint(letter: string): string[] {
  return [`meta-${letter}.ckpt`]
}

/** The filters of so many archives. */
export function filters(letters: string): string[] {
  return [...letters].map((letter) => `filter-${letter}.bloom`)
}

/** What lies in a volume: its manifests up to this one, and files that have gone down. */
export function volume(id: number, manifest: number, ...files: FileList): string[] {
  const manifests = Array.from({ length: manifest }, (_, i) => `manifest-${i + 1}`)
  return [...manifests, ...files.flat()].map((name) => `volume-${id}/${name}`)
}

const ignored: ReadonlySet<string> = new Set(['lock', 'lock-owner', 'projections', 'staging'])

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function numberOf(path: string): number {
  return Number(/[0-9]+/.exec(nameIn(path))?.[0] ?? 0)
}
