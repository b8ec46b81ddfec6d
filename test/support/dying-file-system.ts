import type { FileSystem } from '@varve/pack/fs'

/**
 * The given file system, except that a worker thread which rebuilds it dies without a word as soon as it
 * writes a segment. What the worker builds is the program of the same name.
 */
export function dyingFileSystem(inner: FileSystem): FileSystem {
  const module = new URL('../dist/dying-file-system.js', import.meta.url).href
  return new Proxy(inner, {
    get(target, key) {
      if (key === 'origin') return { module, options: {} }
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
