/**
 * Rings of secrets: `record-mac.json` for stored records, `token.json` for confirmation tokens, `sts.json` for session
 * tokens.
 */

import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parseDocument, schema } from '#shared/config'
import { createSecretRing, type SecretRing } from '#shared/record-mac'
import { SecretFileError } from './errors.ts'
import { readSecretFile } from './secret-file.ts'

export const RECORD_SECRETS_FILE = 'record-mac.json'
export const TOKEN_SECRETS_FILE = 'token.json'
export const STS_SECRETS_FILE = 'sts.json'

const SECRET_BYTES = 32
const secretId = schema.string().regex(/^[0-9a-f]{8}$/)
const ringDocument = schema.strictObject({
  current: secretId,
  // 32 bytes in base64: 42 characters, one that carries four bits, and padding.
  secrets: schema.record(secretId, schema.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/)),
})

/**
 * Secrets that authenticate stored records.
 *
 * @throws {SecretFileError} when the file is missing, open to others, or its current secret is not in it
 * @throws {DocumentError} when it has not the form
 */
export function readRecordSecrets(dir: string): Promise<SecretRing> {
  return readSecretRing(join(dir, RECORD_SECRETS_FILE))
}

/** Secrets that confirmation tokens are derived from. Throws as `readRecordSecrets` does. */
export function readTokenSecrets(dir: string): Promise<SecretRing> {
  return readSecretRing(join(dir, TOKEN_SECRETS_FILE))
}

/** Secrets that session tokens are sealed under. Throws as `readRecordSecrets` does. */
export function readStsSecrets(dir: string): Promise<SecretRing> {
  return readSecretRing(join(dir, STS_SECRETS_FILE))
}

/** The text of a new ring with one random secret. */
export function newSecretRing(): string {
  const id = randomBytes(4).toString('hex')
  const secrets = { [id]: randomBytes(SECRET_BYTES).toString('base64') }
  return `${JSON.stringify({ current: id, secrets }, undefined, 2)}\n`
}

async function readSecretRing(path: string): Promise<SecretRing> {
  const { current, secrets } = parseDocument(path, ringDocument, await readSecretFile(path, 'secret'))
  const keys = new Map<string, KeyObject>()
  for (const [id, secret] of Object.entries(secrets)) {
    const bytes = Buffer.from(secret, 'base64')
    keys.set(id, createSecretKey(bytes))
    bytes.fill(0)
  }
  if (!keys.has(current)) throw new SecretFileError(`Cannot use ${path}: its current secret is not in it`)
  return createSecretRing(current, keys)
}
