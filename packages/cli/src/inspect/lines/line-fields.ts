/** A line of which no bytes can be made: it is not what `inspect --json` prints. */
export class UnbuildableLine extends Error {
  override readonly name = 'UnbuildableLine'
}

/** The fields of a line, read one by one with the type that they must have. @throws UnbuildableLine */
export class LineFields {
  readonly #fields: Readonly<Record<string, unknown>>

  private constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields
  }

  static of(value: unknown): LineFields {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new LineFields(value as Record<string, unknown>)
    }
    throw new UnbuildableLine('an object is needed')
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name) && this.#fields[name] !== null
  }

  value(name: string): unknown {
    if (Object.hasOwn(this.#fields, name)) return this.#fields[name]
    throw wrong(name, 'there')
  }

  /** From 0 to `max`, by default below 2^53. */
  integer(name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    return integerOf(this.value(name), name, max)
  }

  /** A list of integers, or of lists of them, without their brackets. */
  integers(name: string): number[] {
    return this.#array(name)
      .flat()
      .map((value) => integerOf(value, name))
  }

  /** Milliseconds since 1970, given as a date or, where dates do not reach, as a number. */
  time(name: string): number {
    const value = this.value(name)
    const time = typeof value === 'string' ? Date.parse(value) : value
    if (typeof time === 'number' && Number.isSafeInteger(time)) return time
    throw wrong(name, 'a date')
  }

  text(name: string): string {
    const value = this.value(name)
    if (typeof value === 'string') return value
    throw wrong(name, 'a text')
  }

  texts(name: string): string[] {
    const values = this.#array(name)
    if (values.every((value) => typeof value === 'string')) return values
    throw wrong(name, 'a list of texts')
  }

  /** Text, or the exact bytes beside it where they are no UTF-8. */
  textBytes(name: string): Buffer {
    const exact = `${name}Bytes`
    return this.has(exact) ? this.base64(exact) : Buffer.from(this.text(name), 'utf8')
  }

  flag(name: string): boolean {
    return this.has(name) && this.value(name) === true
  }

  /** Bytes that are written in hexadecimal. */
  hex(name: string, size: number): Buffer {
    return hexOf(this.text(name), name, size)
  }

  hexes(name: string, size: number): Buffer[] {
    return this.texts(name).map((text) => hexOf(text, name, size))
  }

  base64(name: string): Buffer {
    return Buffer.from(this.text(name), 'base64')
  }

  list(name: string): LineFields[] {
    return this.#array(name).map((value) => LineFields.of(value))
  }

  object(name: string): LineFields {
    return LineFields.of(this.value(name))
  }

  /** Its fields are texts. */
  dictionary(name: string): Record<string, string> {
    const value = this.value(name)
    const isFit = typeof value === 'object' && value !== null
    if (isFit && Object.values(value).every((each) => typeof each === 'string')) {
      return value as Record<string, string>
    }
    throw wrong(name, 'a dictionary of texts')
  }

  #array(name: string): unknown[] {
    const value = this.value(name)
    if (Array.isArray(value)) return value as unknown[]
    throw wrong(name, 'a list')
  }
}

function integerOf(value: unknown, name: string, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value
  throw wrong(name, `an integer from 0 to ${max}`)
}

function hexOf(text: string, name: string, size: number): Buffer {
  if (text.length === size * 2 && /^[0-9a-f]*$/.test(text)) return Buffer.from(text, 'hex')
  throw wrong(name, `${size} bytes in hexadecimal`)
}

function wrong(name: string, what: string): UnbuildableLine {
  return new UnbuildableLine(`"${name}" is not ${what}`)
}
