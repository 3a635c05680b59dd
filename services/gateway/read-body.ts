/**
 * Reads request bodies: each up to a limit, all at once up to a budget.
 *
 * A message of 262,144 bytes may triple by percent-encoding; with its other parameters 1 MiB holds
 * it. What is longer cannot be a valid request. Up to `DRAIN_BYTES` more are read and dropped, so
 * that the client is listening when the answer comes, instead of seeing its connection reset.
 *
 * Bodies are read before anybody knows who sent them, so without the budget a thousand connections
 * from nowhere would cost a gibibyte.
 */

import type { IncomingMessage } from 'node:http'

const BODY_LIMIT_BYTES = 1024 * 1024
const DRAIN_BYTES = 8 * 1024 * 1024

export type BodyResult =
  /** `release` is called once the body is not needed any more. */
  | { kind: 'whole'; body: Buffer; release: () => void }
  | { kind: 'too-long' }
  /** Too many others are being read or served. */
  | { kind: 'overloaded' }
  | { kind: 'aborted' }

export type ReadBody = (request: IncomingMessage) => Promise<BodyResult>

/** @param o.budgetBytes of all bodies that are being read or served */
export function createBodyReader({ budgetBytes }: { budgetBytes: number }): ReadBody {
  let heldBytes = 0
  return (request) =>
    new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let keptBytes = 0
      let refusal: 'too-long' | 'overloaded' | undefined
      const release = () => {
        heldBytes -= keptBytes
        keptBytes = 0
      }
      const drop = () => {
        chunks.length = 0
        release()
      }
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength
        if (bytes > BODY_LIMIT_BYTES) refusal = 'too-long'
        else if (heldBytes + chunk.byteLength > budgetBytes) refusal ??= 'overloaded'
        if (refusal === undefined) {
          chunks.push(chunk)
          keptBytes += chunk.byteLength
          heldBytes += chunk.byteLength
          return
        }
        drop()
        if (bytes > DRAIN_BYTES) {
          request.pause()
          resolve({ kind: refusal })
        }
      })
      const onAborted = () => {
        drop()
        resolve({ kind: 'aborted' })
      }
      request.on('end', () => {
        request.off('close', onAborted)
        if (refusal !== undefined) return resolve({ kind: refusal })
        const [first] = chunks
        const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, bytes)
        resolve({ kind: 'whole', body, release })
      })
      request.on('error', onAborted)
      request.on('close', onAborted)
    })
}
