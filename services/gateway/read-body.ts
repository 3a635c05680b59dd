/**
 * Reads a request's body up to a limit.
 *
 * A message of 262,144 bytes may triple by percent-encoding; with its other parameters 1 MiB holds
 * it. What is longer cannot be a valid request. Up to `DRAIN_BYTES` more are read and dropped, so
 * that the client is listening when the answer comes, instead of seeing its connection reset.
 */

import type { IncomingMessage } from 'node:http'

export const BODY_LIMIT_BYTES = 1024 * 1024
const DRAIN_BYTES = 8 * 1024 * 1024

export type BodyResult = { kind: 'whole'; body: Buffer } | { kind: 'too-long' } | { kind: 'aborted' }

export function readBody(request: IncomingMessage): Promise<BodyResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= BODY_LIMIT_BYTES) {
        chunks.push(chunk)
        return
      }
      chunks.length = 0
      if (bytes > DRAIN_BYTES) {
        request.pause()
        resolve({ kind: 'too-long' })
      }
    })
    request.on('end', () => {
      if (bytes > BODY_LIMIT_BYTES) return resolve({ kind: 'too-long' })
      resolve({
        kind: 'whole',
        body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes),
      })
    })
    request.on('error', () => resolve({ kind: 'aborted' }))
    request.on('close', () => resolve({ kind: 'aborted' }))
  })
}
