/** Policy documents as they are given to a command: in a file, or on standard input. */

import { readFile, stat } from 'node:fs/promises'
import { type PolicyDocuments, readPolicy } from '#shared/principals'
import { DocumentUnreadableError } from './errors.ts'
import type { Surroundings } from './surroundings.ts'

/** Far more than a policy may have; a mistyped name of a large file should not be read whole. */
const MAX_BYTES = 1024 * 1024

/**
 * @param file `-` is standard input
 * @throws {DocumentUnreadableError}
 */
export async function readDocument(file: string, o: Pick<Surroundings, 'readStandardInput'>): Promise<string> {
  if (file === '-') return o.readStandardInput()
  try {
    if ((await stat(file)).size <= MAX_BYTES) return await readFile(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new DocumentUnreadableError(`Cannot read the policy ${file}: ${reason}`)
  }
  throw new DocumentUnreadableError(`Cannot read the policy ${file}: it must have at most ${MAX_BYTES} bytes`)
}

/**
 * @throws {DocumentUnreadableError}
 * @throws {MalformedPolicyError}
 */
export async function readTrustPolicy(
  file: string,
  o: Pick<Surroundings, 'readStandardInput'>,
): Promise<PolicyDocuments[string]> {
  return readPolicy(await readDocument(file, o), 'trust')
}
