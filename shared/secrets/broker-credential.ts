/** The access key with which gateway and delivery call the KMS; the local KMS reads it to know the broker. */

import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { parseDocument, schema } from '#shared/config'
import { readSecretFile } from './secret-file.ts'

export interface BrokerCredential {
  accessKeyId: string
  secretAccessKey: string
}

export const BROKER_CREDENTIAL_FILE = 'broker-credential.json'

const credentialDocument = schema.strictObject({
  // As AWS bounds access key ids; '/' and ',' would break the Authorization header they stand in.
  accessKeyId: schema.string().regex(/^\w{16,128}$/),
  secretAccessKey: schema.string().regex(/^[\x21-\x7e]{16,128}$/),
})

/**
 * @throws {SecretFileError} when the file is missing or open to others
 * @throws {DocumentError} when it has not the form
 */
export async function readBrokerCredential(dir: string): Promise<BrokerCredential> {
  const path = join(dir, BROKER_CREDENTIAL_FILE)
  return parseDocument(path, credentialDocument, await readSecretFile(path, 'secret'))
}

/** The text of a new random credential, of the lengths AWS uses; its prefix is none of AWS's, so that scanners do not cry. */
export function newBrokerCredential(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const random = Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join('')
  const credential = { accessKeyId: `SCBR${random}`, secretAccessKey: randomBytes(30).toString('base64') }
  return `${JSON.stringify(credential, undefined, 2)}\n`
}
