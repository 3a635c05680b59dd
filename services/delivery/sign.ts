/**
 * Signs messages as SNS does: RSASSA-PKCS1-v1_5 with SHA-1 for SignatureVersion 1, SHA-256 for 2.
 *
 * With a callback node:crypto signs in libuv's thread pool; on the event loop one signature (0.7 ms)
 * would delay every other delivery. A signature covers nothing of the subscription, so callers ask
 * once for a message.
 */

import { sign as signBytes } from 'node:crypto'
import type { SigningIdentity } from '#shared/secrets'

export type SignatureVersion = '1' | '2'

/** @returns base64, unwrapped */
export type Sign = (version: SignatureVersion, text: string) => Promise<string>

const DIGESTS = { '1': 'sha1', '2': 'sha256' } as const

export function createSign({ privateKey }: Pick<SigningIdentity, 'privateKey'>): Sign {
  return (version, text) =>
    new Promise((resolve, reject) => {
      signBytes(DIGESTS[version], Buffer.from(text, 'utf8'), privateKey, (error, signature) => {
        if (error === null) resolve(signature.toString('base64'))
        else reject(error)
      })
    })
}
