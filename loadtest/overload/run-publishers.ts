/** Runs processes of publishers against a gateway and adds up what they report. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface PublisherOptions {
  readonly port: number
  readonly ca: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly topicArn: string
  readonly bodyBytes: number
  /** Whose processor time is told. */
  readonly gatewayPid: number
  readonly connections: number
  readonly seconds: number
  /** Signed beforehand. */
  readonly messages: number
  /** Open loop: so many messages are wanted a second, whatever becomes of those before; closed loop without it. */
  readonly ratePerSecond?: number
  /** After a refusal: at once again, or after the pause of AWS SDKs. */
  readonly backoff: 'none' | 'sdk'
  /** After which a message is given up. */
  readonly attempts?: number
}

export interface PublisherReport {
  accepted: number
  refused: number
  failed: number
  gaveUp: number
  retried?: number
  leftWaiting?: number
  /** From the first wish to send, over all attempts. */
  acceptedMs: number[]
  /** Of the attempt that was accepted. */
  sentMs: number[]
  refusedMs: number[]
  seconds: number
  /** Of the gateway, without what opening the connections took. */
  gatewayCpuSeconds: number
}

const MAIN = fileURLToPath(new URL('./publisher-process.ts', import.meta.url))

export async function runPublishers(options: PublisherOptions): Promise<PublisherReport> {
  const child = fork(MAIN, { serialization: 'advanced' })
  const report = once(child, 'message')
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The publishers ended with ${code}`)
  })
  ended.catch(() => undefined)
  child.send(options)
  const [result] = await Promise.race([report, ended])
  return result as PublisherReport
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
