/**
 * Makes what a secrets directory lacks, at first start or after one that was cut short.
 *
 * Nothing that exists is changed, whatever it holds: records in Redis depend on it, and a file that
 * is unreadable now may be repaired by hand.
 */

import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BROKER_CREDENTIAL_FILE, newBrokerCredential } from './broker-credential.ts'
import { createSecretFile } from './secret-file.ts'
import { newSecretRing, RECORD_SECRETS_FILE, STS_SECRETS_FILE, TOKEN_SECRETS_FILE } from './secret-ring-file.ts'
import { createMissingSigningIdentity, SIGNING_DIR } from './signing-identity.ts'

/**
 * @param options.now epoch milliseconds; the signing certificate is valid from it
 * @returns names of the files made, relative to the directory; empty when nothing was missing
 * @throws {SecretFileError} when `signing/current` names a key or certificate that is gone
 * @throws what the file system throws
 */
export async function createMissingSecrets(dir: string, { now }: { now: number }): Promise<string[]> {
  for (const directory of [dir, join(dir, SIGNING_DIR)]) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    // It may have been made before with the shell's default mode.
    await chmod(directory, 0o700)
  }
  const contents: readonly (readonly [name: string, make: () => string])[] = [
    [RECORD_SECRETS_FILE, newSecretRing],
    [TOKEN_SECRETS_FILE, newSecretRing],
    [STS_SECRETS_FILE, newSecretRing],
    [BROKER_CREDENTIAL_FILE, newBrokerCredential],
  ]
  const made: string[] = []
  for (const [name, make] of contents) {
    if (await createSecretFile(join(dir, name), make())) made.push(name)
  }
  return [...made, ...(await createMissingSigningIdentity(dir, now))]
}
