import type { ErrorCode, ErrorDetails, GivenPath } from './error-details.ts'

/** What a code means, what to do about it, and how its details read in one line. */
export interface CodeEntry<C extends ErrorCode> {
  /** One sentence: what has happened. */
  readonly meaning: string
  /** One or two sentences: what the caller or the operator can do. */
  readonly advice: string
  /** What each field of the details holds. */
  readonly fields: { readonly [F in keyof ErrorDetails[C]]-?: string }
  /** The message of an error that was given none. */
  readonly describe: (details: ErrorDetails[C]) => string
}

/** Every code once. The pages in `docs/errors/` are generated from this table. */
export const codes: { readonly [C in ErrorCode]: CodeEntry<C> } = {
  ABORTED: {
    meaning: 'The call was cancelled through its signal before it took effect.',
    advice: 'Nothing was changed by the call. The reason given to the signal is the cause of the error.',
    fields: {},
    describe: () => 'The call was aborted',
  },
  AMBIGUOUS: {
    meaning: 'A shortened hash stands for more than one commit.',
    advice: 'Give more digits. The details list the commits it could mean.',
    fields: { candidates: 'Every commit that the text could mean.' },
    describe: (d) => `The text could mean any of ${d.candidates.length} commits: ${listed(d.candidates)}`,
  },
  CHECKOUT_COLLISION: {
    meaning: 'Two paths of the tree would become one file on the file system they are written to.',
    advice: 'Check out to a case-sensitive file system, or leave out one of the paths. Nothing was written.',
    fields: { paths: 'The paths of the tree that would collide.' },
    describe: (d) => `Paths would collide on this file system: ${listed(d.paths)}`,
  },
  COLLECTED: {
    meaning: 'What was asked for existed once and went away in a collection.',
    advice: 'Start again from a commit that is still kept. To keep more, give collections an older target.',
    fields: { hash: 'The object that went, when its hash is known.' },
    describe: (d) =>
      d.hash === undefined ? 'The object was collected' : `The object ${d.hash} was collected`,
  },
  CONFLICT: {
    meaning: 'Something else made or moved the ref first.',
    advice:
      'For a tag: choose another name, or delete the tag. For a commit: its branch kept moving; try again, ' +
      'with more retries or with fewer writers that move the branch by themselves.',
    fields: { ref: 'The branch or tag.' },
    describe: (d) => `The ref ${d.ref} is not what this call expected`,
  },
  COPY_FAILED: {
    meaning: 'A copy of a store or a backup ended without success; the store that it is of is as it was.',
    advice:
      'The cause says what failed. What was made of a copy has been deleted; a backup that was there before is ' +
      'still whole. Deal with the cause, then start it again.',
    fields: {
      path: 'The folder of the copy or the backup.',
      reason: '`memory`, `worker` (the thread died), `disk`, `lower` (the lower layer), or `other`.',
    },
    describe: (d) => `The copy to ${d.path} failed (${d.reason})`,
  },
  CORRUPT: {
    meaning: 'Stored bytes do not match their checksum or break a rule of the format.',
    advice:
      'Keep the files and look for a failing disk. A damaged object leaves the others readable: put its ' +
      'content again, and the copy stands in for it. A store whose checkpoint is damaged, or that lacks a file ' +
      'named by control, does not open: `varve repair --from` takes that file out of a copy of the store. Never ' +
      'put an older control back among newer files; go back to the whole copy instead.',
    fields: {
      file: 'The damaged file.',
      offset: 'Where in the file the damaged piece starts, in bytes.',
      hash: 'The object that lies there, when its hash is known.',
    },
    describe: (d) =>
      `${d.file} is damaged at byte ${d.offset}${d.hash === undefined ? '' : ` (object ${d.hash})`}`,
  },
  DIGEST_MISMATCH: {
    meaning: 'The content that was put is not the content that its caller expected.',
    advice: 'Send the content again. What arrived was not made reachable.',
    fields: {
      expected: 'The hash that the caller gave, if any.',
      actual:
        'The hash of what arrived, where it is known: content that grows too long is not read to its end.',
      size: 'The size that the caller gave, where it is the size that differs.',
    },
    describe: (d) => `Expected ${d.expected}, but the content is ${d.actual}`,
  },
  GC_FAILED: {
    meaning: 'A collection, or a check, ended without success; the store is as it was before it.',
    advice:
      'The cause says what failed. With reason "disk" make room, then collect again; with "lower" see that ' +
      'the folder of the lower layer is there, can be written to, and has room. With "memory" see ' +
      'to it that the process may take more; the share of the collector is fixed.',
    fields: {
      reason: '`memory`, `worker` (the thread died), `disk`, `lower` (the lower layer), or `other`.',
    },
    describe: (d) => `The collection failed (${d.reason})`,
  },
  GC_RUNNING: {
    meaning: 'Another collection is under way, with another target, or it keeps less than this one is to.',
    advice: 'Wait for it with gc.wait(), or cancel it with gc.cancel(), then start again.',
    fields: {},
    describe: () => 'Another collection is running',
  },
  GIT_OBJECT_MISSING: {
    meaning: 'The Git repository lacks an object that a commit to be imported needs.',
    advice:
      'Complete the repository (a shallow or partial clone lacks objects), or import with --missing=skip. ' +
      'No ref was moved.',
    fields: {
      commit: 'The Git id of the commit that needs the object.',
      path: 'Where in the tree of that commit the object belongs.',
      id: 'The Git id of the missing object.',
    },
    describe: (d) => `Git object ${d.id} is missing: ${d.path} in commit ${d.commit}`,
  },
  INVALID_HASH: {
    meaning: 'A text that should be a hash is not 64 lower-case hexadecimal digits.',
    advice: 'Pass the hash as the store gave it, or let resolve() expand a shortened one.',
    fields: { text: 'The text as it was given.' },
    describe: (d) => `Not a hash: ${JSON.stringify(d.text)}`,
  },
  INVALID_PATH: {
    meaning: 'A path or a name breaks a rule: of names in a tree, or of the disk for the folder of a store.',
    advice:
      'The hint says which rule. encodeName() turns any text or bytes into a legal name in a tree, decodeName() ' +
      'turns it back.',
    fields: { path: 'The path as it was given.', hint: 'The rule that it breaks.' },
    describe: (d) => `Invalid path ${shown(d.path)}: ${d.hint}`,
  },
  IS_A_TREE: {
    meaning: 'A blob was asked for, or would be written, where a directory is.',
    advice: 'Use getTree() to read it, or write with replace: true to put the blob in its place.',
    fields: { path: 'Where the directory is.' },
    describe: (d) => `A directory is at ${shown(d.path)}`,
  },
  LOCK_LOST: {
    meaning: 'The writer no longer holds the lock of its store, so it has stopped writing.',
    advice: 'Find out what replaced the lock or the control file, close this store, and open it again.',
    fields: {},
    describe: () => 'The lock on the store was lost',
  },
  LOWER_UNAVAILABLE: {
    meaning:
      'What was asked for rests in the lower layer, or may, and its folder is away: it cannot be reached or ' +
      "read, is empty, another store's, or older than the store.",
    advice:
      'Bring the folder back, or name its new place with the option lower; nothing was changed, and nothing ' +
      'is lost. What is in the upper layer can be read and written meanwhile.',
    fields: { path: 'The folder of the lower layer.' },
    describe: (d) => `The lower layer at ${d.path} cannot be reached`,
  },
  NEWER_FORMAT: {
    meaning: 'The store was written in a format that this version does not know.',
    advice: 'Open it with a newer version of the library. Nothing was changed.',
    fields: { found: 'The format of the store.', supported: 'The newest format that this version knows.' },
    describe: (d) => `The store has format ${d.found}; this version knows formats up to ${d.supported}`,
  },
  NOT_A_TREE: {
    meaning: 'The path leads through a blob as if it were a directory.',
    advice: 'Correct the path, or write with replace: true to put a directory in the place of the blob.',
    fields: { path: 'The path that was asked for.' },
    describe: (d) => `Not a directory: ${shown(d.path)}`,
  },
  NO_SPACE: {
    meaning: 'The file system has not enough free room for what was asked.',
    advice: 'Free at least the missing bytes and try again. Nothing that was acknowledged is lost.',
    fields: { needed: 'How many bytes are needed.', free: 'How many bytes are free.' },
    describe: (d) => `${d.needed} bytes are needed and ${d.free} are free`,
  },
  NO_STORE: {
    meaning: 'There is no store in the folder.',
    advice:
      'Check the path, and that it may be read. To make a new store there, open it for writing, without ' +
      'create: "never".',
    fields: { path: 'The folder that was asked for.' },
    describe: (d) => `No store at ${d.path}`,
  },
  OPTION_MISMATCH: {
    meaning: 'An option has a value that is not allowed, or that contradicts what the store was made with.',
    advice: 'Leave the option out to take the value of the store, or correct it.',
    fields: { option: 'The name of the option.' },
    describe: (d) => `The option ${d.option} does not fit`,
  },
  READ_ONLY_FOLDER: {
    meaning: 'The folder of the store, or of a copy, cannot be written to.',
    advice:
      'Give the process the right to write there. A store is read without it when it is opened with ' +
      'readOnly: true.',
    fields: { path: 'The folder, or the file in it, that could not be written.' },
    describe: (d) => `Cannot write to ${d.path}`,
  },
  REF_NOT_FOUND: {
    meaning: 'There is no branch or tag of this name.',
    advice: 'List the names with branches() or tags(). If a similar one exists, the details name it.',
    fields: {
      ref: 'The name that was asked for.',
      near: 'The most similar name that exists, if one is similar.',
    },
    describe: (d) =>
      `No branch or tag named ${d.ref}${d.near === undefined ? '' : `; did you mean ${d.near}?`}`,
  },
  STORE_CLOSED: {
    meaning: 'The store was closed, or is being closed, when the call was made.',
    advice: 'Make calls before close(). What had been acknowledged is kept.',
    fields: {},
    describe: () => 'The store is closed',
  },
  STORE_LOCKED: {
    meaning: 'Another writer has the store open.',
    advice:
      'Close the other writer, or wait for it with lock: { wait }. One process at a time writes to a store; ' +
      'to read beside it, open with readOnly: true.',
    fields: {
      pid: 'The process that has the store open.',
      since: 'When it started.',
      program: 'What it runs, when that is known.',
    },
    describe: (d) => {
      const program = d.program === undefined ? '' : ` (${d.program})`
      return `Process ${d.pid}${program} has been writing to the store since ${d.since.toISOString()}`
    },
  },
  TARGET_TOO_OLD: {
    meaning: 'The target lies before that of an earlier collection, so its history is no longer whole.',
    advice: 'Choose the target of the last collection or a newer commit.',
    fields: { latest: 'The target of the last collection.' },
    describe: (d) => `The target is older than that of the last collection, ${d.latest}`,
  },
  UNKNOWN_COMMIT: {
    meaning: 'The text names no commit of this store.',
    advice: 'Check the text; a commit that a collection removed is unknown as well.',
    fields: { text: 'The text as it was given.' },
    describe: (d) => `Unknown commit: ${d.text}`,
  },
  WRITER_FAILED: {
    meaning: 'A write or a sync failed earlier, and since then this store refuses to write.',
    advice:
      'Reads go on. Deal with the cause (a full or failing disk), then close the store and open it again.',
    fields: { file: 'The file whose write or sync failed.' },
    describe: (d) => `Writing stopped after a failure at ${d.file}`,
  },
}

/** Whether the text is one of the codes. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(codes, text)
}

/** At most this many items are spelled out in a message; the details hold them all. */
const listedMax = 5

function listed(items: readonly string[]): string {
  const rest = items.length - listedMax
  return items.slice(0, listedMax).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function shown(path: GivenPath): string {
  if (typeof path === 'string') return JSON.stringify(path)
  return JSON.stringify(path.map((name) => (typeof name === 'string' ? name : utf8.decode(name))).join('/'))
}

const utf8 = new TextDecoder()
