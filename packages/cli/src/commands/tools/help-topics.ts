/** Pages of `varve help TOPIC`; the reference is docs/cli.md. */

const revisions = `
How to name a commit, and a place in it

  main, v1            a branch, or a tag
  3f2a9c1             the beginning of a commit's hash, at least 7 digits
  git:9fceb02d        the id that the commit had in Git, whole or its beginning
  main~3              three first parents up
  main^2              the second parent of a merge
  main:docs/a.md      a path in the commit's tree; main: is the tree itself
  main:"caf\\351"      names that are no text, quoted as ls shows them
`

const output = `
What commands print

  stdout has the data, stderr everything else. On a terminal columns are aligned,
  sizes are in KiB and MiB, and hashes are short; in a pipe fields are separated by
  tabs, sizes are bytes, dates RFC 3339, and hashes whole.

  --json      one document for one thing, a line with "type" for each of many;
              errors as one line of JSON on stderr
  --progress  progress on stderr, also without a terminal or with --json
  -q          no progress and no hints
  --color     auto (default), always, never; NO_COLOR is heeded
`

const exitCodes = `
Exit codes

   0  done                              10  no store here
   1  failed                            11  another process writes to the store
   2  wrong usage, or --yes is needed   13  damaged
   3  done, with findings               14  the lower layer is away
   4  no such revision or path          15  no space
   5  it exists already                 16  the store has a newer format
                                       130  interrupted
`

const environment = `
Environment

  VARVE_STORE    the store, when -s is not given (else ./.varve)
  VARVE_AUTHOR   the author of commits by set and rm
  NO_COLOR       no colours, if it is not empty
`

export const topics: ReadonlyMap<string, string> = new Map([
  ['revisions', revisions.trimStart()],
  ['output', output.trimStart()],
  ['exit-codes', exitCodes.trimStart()],
  ['environment', environment.trimStart()],
])
