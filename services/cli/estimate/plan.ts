/** The file that `sealcast estimate --file` reads: topics with their publishers, and what the flags say as well. */

import { parseDocument, schema } from '#shared/config'

const count = (max: number) => schema.int().nonnegative().max(max)

/** Limits keep every product an exact integer. */
const planSchema = schema.strictObject({
  days: count(3_660).min(1).optional(),
  reuseSeconds: count(300).min(1).optional(),
  gateways: count(1_000).min(1).optional(),
  region: schema.string().optional(),
  topics: schema
    .array(schema.strictObject({ name: schema.string().max(256), publishers: count(1_000_000) }))
    .max(100_000),
})

/** @throws {DocumentError} naming the place that is wrong */
export function parsePlan(text: string) {
  return parseDocument('plan', planSchema, text)
}
