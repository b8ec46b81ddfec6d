/** A payload that says something no writer of this format says. */
export class InvalidPayload extends Error {
  override readonly name = 'InvalidPayload'
}

/** The fields of a JSON object, read one by one with the type that they must have. */
export class PayloadFields {
  readonly #fields: Readonly<Record<string, unknown>>
  readonly #path: string

  private constructor(fields: Readonly<Record<string, unknown>>, path: string) {
    this.#fields = fields
    this.#path = path
  }

  /** @throws InvalidPayload when the value is not an object */
  static of(value: unknown, path: string): PayloadFields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InvalidPayload(`${path} is not an object`)
    }
    return new PayloadFields(value as Record<string, unknown>, path)
  }

  /** An integer in [0, 2^53). */
  integer(name: string): number {
    const value = this.#own(name)
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw this.#wrong(name, 'an integer of 0 or more')
  }

  /** A list of integers in [0, 2^53). */
  integers(name: string): number[] {
    const value = this.#own(name)
    const isList = Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0)
    if (isList) return value as number[]
    throw this.#wrong(name, 'a list of integers')
  }

  /** Lower-case hexadecimal digits. */
  hex(name: string, digits: number): string {
    const value = this.#own(name)
    if (typeof value === 'string' && value.length === digits && /^[0-9a-f]*$/.test(value)) return value
    throw this.#wrong(name, `${digits} hexadecimal digits`)
  }

  text(name: string): string {
    const value = this.#own(name)
    if (typeof value === 'string') return value
    throw this.#wrong(name, 'a text')
  }

  /** `null`, or what `read` makes of it. */
  nullable<T>(name: string, read: () => T): T | null {
    return this.#own(name) === null ? null : read()
  }

  object<T>(name: string, read: (fields: PayloadFields) => T): T {
    return read(PayloadFields.of(this.#own(name), `${this.#path}.${name}`))
  }

  list<T>(name: string, read: (fields: PayloadFields) => T): T[] {
    const value = this.#own(name)
    if (!Array.isArray(value)) throw this.#wrong(name, 'a list')
    return value.map((item, index) => read(PayloadFields.of(item, `${this.#path}.${name}[${index}]`)))
  }

  #own(name: string): unknown {
    if (Object.hasOwn(this.#fields, name)) return this.#fields[name]
    throw this.#wrong(name, 'there')
  }

  #wrong(name: string, expected: string): InvalidPayload {
    return new InvalidPayload(`${this.#path}.${name} is not ${expected}`)
  }
}
