import { accessSync, constants, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where another file system than that of temporary files often is. */
const otherPlaces = ['/dev/shm', '/var/tmp', '/run/user']

/** Gives the work a new folder, which goes with all that is in it when the work has ended. */
export async function* inFolder<T>(
  work: (folder: string) => AsyncIterable<T>,
  place: string = tmpdir(),
): AsyncGenerator<T> {
  const folder = mkdtempSync(join(place, 'varve-bench-'))
  try {
    yield* work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A folder that can be written to and lies on another file system than temporary files, if there is one. */
export function otherFileSystem(): string | undefined {
  const here = statSync(tmpdir()).dev
  return otherPlaces.find((place) => {
    try {
      accessSync(place, constants.W_OK)
      return statSync(place).dev !== here
    } catch {
      return false
    }
  })
}
