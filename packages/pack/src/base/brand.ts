declare const brand: unique symbol

/** A `T` that only its own module hands out, so that two kinds of number or text cannot be mixed up. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
