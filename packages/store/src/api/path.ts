/**
 * Where something lies in a tree. Text is split at '/', with no escapes; an array holds one name per
 * element, as text or as exact bytes. `''` and `[]` are the tree itself. Names are 1–1,023 bytes (text
 * counts as UTF-8) without '/' and NUL, and not '.' or '..'; anything else ('/a', 'a//b', 'a/') is
 * `INVALID_PATH`.
 */
export type Path = string | readonly (string | Uint8Array)[]
