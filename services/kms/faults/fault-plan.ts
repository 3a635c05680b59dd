/**
 * What can be asked of the fault injection, as a document: strict, so that a misspelt fault is refused rather than
 * never met, and bounded, so that the KMS stays one that can be told to stop it. README.md has the meaning of each.
 */

import { parseDocument, type SchemaOf, schema } from '#shared/config'
import { operationOf } from '../operations.ts'
import { INJECTABLE_ERRORS } from './injectable-errors.ts'
import { quotaOf } from './quotas.ts'

const MAX_DELAY_MS = 600_000
const MAX_RULES = 64

const isOperation = (name: string) => operationOf(`TrentService.${name}`) !== undefined
const delayMs = schema.number().min(0).max(MAX_DELAY_MS)
const delay = schema.union([
  delayMs,
  schema.strictObject({ minMs: delayMs, maxMs: delayMs }).refine(({ minMs, maxMs }) => minMs <= maxMs),
  schema
    .strictObject({ medianMs: delayMs.positive(), p99Ms: delayMs })
    .refine(({ medianMs, p99Ms }) => medianMs <= p99Ms),
])

const narrowing = {
  operations: schema.array(schema.string().refine(isOperation)).min(1).max(MAX_RULES).optional(),
  keyArn: schema.string().max(2048).startsWith('arn:aws:kms:').includes(':key/').optional(),
  caller: schema.string().max(2048).startsWith('arn:aws:').optional(),
  probability: schema.number().positive().max(1).optional(),
  requests: schema.int().min(1).max(1_000_000_000).optional(),
  forMs: schema.int().min(1).max(86_400_000).optional(),
}

const fault = schema.discriminatedUnion('kind', [
  schema.strictObject({ kind: schema.literal('latency'), ms: delay, ...narrowing }),
  schema.strictObject({
    kind: schema.literal('error'),
    name: schema.enum(INJECTABLE_ERRORS),
    message: schema.string().min(1).max(1024).nullable().optional(),
    ...narrowing,
  }),
  schema.strictObject({ kind: schema.literal('reset'), ...narrowing }),
  schema.strictObject({ kind: schema.literal('hang'), ...narrowing }),
])

const throttle = schema.strictObject({
  account: schema
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  // An operation that shares a quota has none of its own: a rule by its name would never fit.
  quota: schema
    .string()
    .refine((name) => name === 'symmetric' || (isOperation(name) && quotaOf(name) === name))
    .optional(),
  ratePerSecond: schema.number().min(0).max(1_000_000),
  burst: schema.number().min(0).max(1_000_000).optional(),
})

const faultPlan = schema.strictObject({
  throttling: schema.array(throttle).max(MAX_RULES).default([]),
  faults: schema.array(fault).max(MAX_RULES).default([]),
})

export type FaultPlan = SchemaOf<typeof faultPlan>
export type FaultRule = SchemaOf<typeof fault>
export type ThrottleRule = SchemaOf<typeof throttle>
export type Delay = SchemaOf<typeof delay>

/** @throws {DocumentError} naming the places that are wrong */
export function parseFaultPlan(text: string): FaultPlan {
  return parseDocument('fault plan', faultPlan, text)
}

/** @throws {DocumentError} when the two together are more than one plan may have */
export function addPlans(first: FaultPlan, second: FaultPlan): FaultPlan {
  return parseFaultPlan(
    JSON.stringify({
      throttling: [...first.throttling, ...second.throttling],
      faults: [...first.faults, ...second.faults],
    }),
  )
}
