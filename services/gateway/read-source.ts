/**
 * For whom a service acts: what it says in signed headers, as AWS's services say it of the bucket, rule or alarm that an
 * event comes from. Policies compare it (`aws:SourceArn`, `aws:SourceAccount`), so that a service that may publish for one
 * customer cannot be made to do so for another, who only knows the topic's ARN.
 *
 * A service alone is believed. From anybody else the headers count for nothing: he may say what he likes. Unsigned ones
 * never get here, since every `x-amz-*` header must be signed.
 */

import { hashParts } from '#shared/framing'
import type { Principal } from '#shared/principals'
import { InvalidParameterError } from '#shared/sns-wire'
import type { Caller } from './caller.ts'

type Source = NonNullable<Caller['source']>
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const SOURCE_ARN_HEADER = 'x-amz-source-arn'
const SOURCE_ACCOUNT_HEADER = 'x-amz-source-account'

/** Partition, service, region and account (both may be empty, as a bucket's are), resource: printable, no wildcards. */
const SOURCE_ARN = /^arn:aws[a-z-]{0,20}:[a-z0-9-]{1,64}:[a-z0-9-]{0,32}:(\d{12})?:[!-)+->@-~]{1,1024}$/
const ACCOUNT = /^\d{12}$/

/**
 * @returns undefined for all but services, and for a service that names no source
 * @throws {InvalidParameterError} when a service's header is malformed or there twice, or the two contradict each other
 */
export function readSource(principal: Pick<Principal, 'kind'>, headers: Headers): Source | undefined {
  if (principal.kind !== 'service') return undefined
  const arn = read(headers, SOURCE_ARN_HEADER, SOURCE_ARN)
  const account = read(headers, SOURCE_ACCOUNT_HEADER, ACCOUNT)
  const accountOfArn = arn === undefined ? undefined : SOURCE_ARN.exec(arn)?.[1]
  if (account !== undefined && accountOfArn !== undefined && account !== accountOfArn) {
    throw new InvalidParameterError(
      `Invalid parameter: ${SOURCE_ACCOUNT_HEADER} is not the account of ${SOURCE_ARN_HEADER}`,
    )
  }
  if (arn === undefined && account === undefined) return undefined
  return { ...(arn === undefined ? {} : { arn }), ...(account === undefined ? {} : { account }) }
}

function read(headers: Headers, name: string, form: RegExp): string | undefined {
  const value = headers[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !form.test(value)) throw new InvalidParameterError(`Invalid parameter: ${name}`)
  return value
}

/**
 * The service as the publisher of one source's messages: with data keys of its own, so that none that one source's
 * permission obtained is used for another's.
 */
export function actingFor(principal: Principal, source: Source | undefined): Principal {
  if (source === undefined) return principal
  const mark = hashParts([source.arn, source.account]).toString('hex').slice(0, 32)
  return { ...principal, publisher: `${principal.publisher}#${mark}` }
}
