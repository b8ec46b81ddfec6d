/** What a body says. */
export type BodyFields = Readonly<Record<string, unknown>>

export interface BuiltBody {
  readonly body: Buffer
  readonly referenceCount: number
}
