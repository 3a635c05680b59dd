/**
 * The subscriber of `loadtest kms`: an HTTPS endpoint that makes each message again and compares it with what came, on
 * which topic, and remembers when each message came first.
 */

import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readMessageBody } from '../kms/message-body.ts'
import { serveParent } from './serve-parent.ts'

export type KmsSubscriber = {
  /** @returns the port, on 127.0.0.1 */
  listen(o: { certificatePem: string; privateKeyPem: string }): Promise<number>
  /** @returns the token of the confirmation that was or will be sent for the topic */
  takeToken(o: { topicArn: string }): Promise<string>
  /** @param o.topicArns of each lane; @param o.messageBytes of each message */
  expect(o: { topicArns: readonly string[]; messageBytes: number }): void
  /** So far. */
  progress(o: Record<string, never>): { distinct: number }
  /** Waits until `count` distinct messages have come, or for `timeoutMs`. */
  arrivals(o: { count: number; timeoutMs: number }): Promise<CheckedArrivals>
}

export interface CheckedArrivals {
  readonly distinct: number
  /** More than `distinct` when a message came twice. */
  readonly deliveries: number
  /** Deliveries whose body, topic or size is not what was published. */
  readonly wrong: number
  /** Message ids with CLOCK_MONOTONIC in ms. */
  readonly times: readonly (readonly [messageId: string, atMs: number])[]
}

const seen = new Map<string, number>()
const tokens = new Map<string, string>()
const events = new EventEmitter()
let expected: { topicArns: readonly string[]; messageBytes: number } = { topicArns: [], messageBytes: 0 }
let deliveries = 0
let wrong = 0
let wanted = Number.POSITIVE_INFINITY

function take(text: string): void {
  const { Type, TopicArn = '', Token = '', MessageId = '', Message = '' }: Record<string, string> = JSON.parse(text)
  if (Type === 'SubscriptionConfirmation') {
    tokens.set(TopicArn, Token)
    events.emit('token')
    return
  }
  deliveries++
  const made = readMessageBody(Message)
  const isRight =
    made !== undefined && Message.length >= expected.messageBytes && expected.topicArns[made.lane] === TopicArn
  if (!isRight) wrong++
  if (seen.has(MessageId)) return
  seen.set(MessageId, Number(process.hrtime.bigint()) / 1e6)
  if (seen.size === wanted) events.emit('enough')
}

const calls: KmsSubscriber = {
  listen({ certificatePem, privateKeyPem }) {
    const options = { cert: certificatePem, key: privateKeyPem, keepAliveTimeout: 75_000 }
    const server = createServer(options, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        response.writeHead(200).end()
        try {
          take(Buffer.concat(chunks).toString('utf8'))
        } catch {
          wrong++ // Not JSON, so nothing of ours.
        }
      })
    })
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  },
  async takeToken({ topicArn }) {
    const signal = AbortSignal.timeout(15_000)
    for (;;) {
      const token = tokens.get(topicArn)
      tokens.delete(topicArn)
      if (token !== undefined) return token
      await once(events, 'token', { signal })
    }
  },
  expect(o) {
    expected = o
  },
  progress: () => ({ distinct: seen.size }),
  async arrivals({ count, timeoutMs }) {
    wanted = count
    if (seen.size < wanted) {
      // Too few is something to report, not to fail with.
      await once(events, 'enough', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {})
    }
    return { distinct: seen.size, deliveries, wrong, times: [...seen] }
  },
}

// Ctrl-C reaches every process of the terminal; when to end is the parent's to say.
process.on('SIGINT', () => {})
serveParent(calls)
