/**
 * Turns what a caller calls a key into the ARN of a key or alias: id, key ARN, alias or alias ARN.
 *
 * A bare id or alias lies in the caller's own account and region. Only the text is looked at here;
 * whether the caller may use the key is asked before whether it exists (authorize.ts), so that other
 * accounts' keys cannot be probed. Texts of the refusals: AWS KMS's own.
 */

import { NotFoundError } from './errors.ts'

export interface Place {
  readonly account: string
  readonly region: string
}

type KeyReference =
  | { readonly kind: 'key'; readonly arn: string; readonly account: string }
  | { readonly kind: 'alias'; readonly arn: string; readonly account: string }

const KEY_ID = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/
const KMS_ARN = /^arn:aws:kms:([a-z0-9-]+):(\d{12}):(.+)$/

/**
 * @param place the caller's account and the request's region
 * @param o.aliases whether the operation takes aliases
 * @throws {NotFoundError} when it cannot name any key here
 */
export function parseKeyIdentifier(identifier: string, place: Place, o: { aliases: boolean }): KeyReference {
  if (!identifier.startsWith('arn:')) return parseResource(resourceOf(identifier), identifier, place, o)
  const [, region, account, resource] = KMS_ARN.exec(identifier) ?? []
  if (region === undefined || account === undefined || resource === undefined) throw invalid(identifier)
  if (region !== place.region) throw new NotFoundError(`Invalid arn ${region}`)
  return parseResource(resource, identifier, { account, region }, o)
}

export function keyArnOf({ account, region }: Place, keyId: string): string {
  return `arn:aws:kms:${region}:${account}:key/${keyId}`
}

/** @param name with its `alias/` */
export function aliasArnOf({ account, region }: Place, name: string): string {
  return `arn:aws:kms:${region}:${account}:${name}`
}

function resourceOf(identifier: string): string {
  return identifier.startsWith('alias/') ? identifier : `key/${identifier}`
}

function parseResource(resource: string, identifier: string, place: Place, o: { aliases: boolean }): KeyReference {
  if (resource.startsWith('alias/') && o.aliases) {
    return { kind: 'alias', arn: aliasArnOf(place, resource), account: place.account }
  }
  const keyId = resource.startsWith('key/') ? resource.slice('key/'.length) : undefined
  if (keyId === undefined || !KEY_ID.test(keyId)) throw invalid(identifier)
  return { kind: 'key', arn: keyArnOf(place, keyId), account: place.account }
}

function invalid(identifier: string): NotFoundError {
  return new NotFoundError(`Invalid keyId '${identifier}'`)
}
