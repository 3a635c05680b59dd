/** For tests: a request that is refused, with KMS's name of the error and, where it is known, its text. */

export interface Fixture {
  readonly id: string
  readonly arn: string
  readonly otherId: string
  readonly disabledArn: string
  /** Of the key `id`, with its `alias/`. */
  readonly alias: string
  /** Of the key `id`, under no encryption context, in base64. */
  readonly blob: string
}

export interface ErrorCase {
  readonly operation: string
  readonly what: string
  readonly input: (fixture: Fixture) => object
  readonly error: string
  /** null: KMS sends no text. */
  readonly text: string | ((fixture: Fixture) => string) | null | undefined
}

/** In the form of KMS's framework. */
export function broken(...rules: readonly (readonly [subject: string, rule: string])[]): string {
  const texts = rules.map(([subject, rule]) => `${subject} failed to satisfy constraint: Member must ${rule}`)
  return `${rules.length} validation error${rules.length === 1 ? '' : 's'} detected: ${texts.join('; ')}`
}

export const atLeast = (n: number) => `have length greater than or equal to ${n}`
export const atMost = (n: number) => `have length less than or equal to ${n}`
export const valueAtLeast = (n: number) => `have value greater than or equal to ${n}`
export const valueAtMost = (n: number) => `have value less than or equal to ${n}`
/** So many different tags. */
export const makeTags = (count: number) => Array.from({ length: count }, (_, i) => ({ TagKey: `k${i}`, TagValue: '' }))
