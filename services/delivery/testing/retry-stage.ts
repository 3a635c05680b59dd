/** A retry processor with all around it but Redis, KMS and network, and what it was seen to do. */

import { createSecretKey } from 'node:crypto'
import type { Subscription } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { type Entry, encodeEntry, type OpenSubscription } from '#shared/stream-log'
import type { AttemptDecision } from '../decide-settlement.ts'
import { createEndpoints } from '../endpoints/endpoints.ts'
import { createDeliveryMetrics } from '../metrics.ts'
import { indexRecipients } from '../recipients.ts'
import { createReopen } from '../reopen.ts'
import { createRetryProcessor } from '../retry.ts'
import type { TopicState } from '../topic-cache.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const NOW = 'b'.repeat(32)
export const MESSAGE = '00000000-0000-4000-8000-000000000001'
export const SCHEDULED_AT = Date.UTC(2026, 0, 1)
export const DUE = { messageId: MESSAGE, subscriptionId: 's1', retriesMade: 1, scheduledAt: SCHEDULED_AT }

export function subscription(id: string, o: Partial<Subscription> = {}): Subscription {
  return {
    id,
    topicArn: TOPIC,
    incarnation: NOW,
    protocol: 'https',
    endpoint: `https://example.com/${id}`,
    owner: '000000000000',
    principal: 'arn:aws:iam::000000000000:user/u',
    state: 'confirmed',
    confirmationWasAuthenticated: false,
    createdAt: 0,
    ...o,
  }
}

export function known(subscriptions: Subscription[], { incarnation = NOW }: { incarnation?: string } = {}): TopicState {
  const topic = { arn: TOPIC, incarnation, owner: '000000000000', createdAt: 0, attributes: {} }
  return {
    kind: 'known',
    version: 'v1',
    topic,
    recipients: indexRecipients(subscriptions, topic),
  }
}

export function retryStage({
  topic = known([subscription('s1'), subscription('s2')]),
  decision = { kind: 'delivered' },
  openSubscriptions = ['s1', 's2'],
  storedAs = MESSAGE,
  alter = () => undefined,
  composeFailure,
  readFailure,
  settleFailure,
  settleFailureOnce,
  attemptsMade = 1,
  admitMs = 0,
  answer,
  sealed,
  state = {},
  mayHold = true,
}: {
  topic?: TopicState
  decision?: AttemptDecision
  openSubscriptions?: string[]
  storedAs?: string
  alter?: (fields: Map<string, Buffer>) => void
  composeFailure?: Error
  readFailure?: Error
  settleFailure?: Error
  settleFailureOnce?: Error
  attemptsMade?: number
  admitMs?: number
  answer?: Promise<never>
  sealed?: Entry['sealed']
  state?: Partial<OpenSubscription>
  mayHold?: boolean
} = {}) {
  const recordMac = createRecordMac(
    createSecretRing('01234567', new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])),
  )
  const entry: Entry = {
    kind: 'message',
    topicArn: TOPIC,
    incarnation: NOW,
    messageId: storedAs,
    principal: 'arn:aws:iam::000000000000:user/publisher',
    acceptedAt: 1,
    attributes: [],
    body: Buffer.from('words'),
    ...(sealed !== undefined && { sealed }),
  }
  const flat = encodeEntry(entry, recordMac)
  const fields = new Map<string, Buffer>()
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(String(flat[at]), Buffer.from(flat[at + 1] ?? ''))
  alter(fields)

  const attempts: { subscriptionId: string; attempt: number }[] = []
  const settled: string[] = []
  const held: string[] = []
  const alarms: string[] = []
  const warnings: string[] = []
  let failOnce = settleFailureOnce
  let lost = 0
  const gone = new AbortController()
  const stopping = new AbortController()
  const clock = createFakeClock(SCHEDULED_AT)
  const endpoints = createEndpoints({ clock, retrySecondMs: 1_000 })
  const log: Log = {
    info: () => undefined,
    warn: (event) => void warnings.push(event),
    error: () => undefined,
    alarm: (event) => void alarms.push(event),
    flush: () => undefined,
  }
  const readBody = async (messageId: string) => {
    if (readFailure !== undefined) throw readFailure
    if (messageId !== MESSAGE) return undefined
    return { fields, open: new Map(openSubscriptions.map((id) => [id, { attemptsMade, waits: false, ...state }])) }
  }
  const registry = createMetrics({ service: 'test' })
  const metrics = createDeliveryMetrics(registry, clock)
  const process = createRetryProcessor({
    lease: {
      async settleSubscription(messageId, subscriptionId) {
        const failure = settleFailure ?? failOnce
        failOnce = undefined
        if (failure !== undefined) throw failure
        settled.push(`${messageId} ${subscriptionId}`)
      },
      readBody,
    },
    reopen: createReopen({
      lease: { readBody },
      heldReferences: {
        async hold(keyArn, { messageId, subscriptionId, backlogId }, reason) {
          if (mayHold) held.push(`${keyArn} ${messageId} ${subscriptionId} ${backlogId} ${reason}`)
          return mayHold
        },
      },
      recordMac,
      topics: { resolve: async ([arn = '']) => new Map([[arn, topic]]) },
      async compose() {
        if (composeFailure !== undefined) throw composeFailure
        return () => ({ headers: {}, body: '' })
      },
      clock,
      log,
      metrics,
    }),
    recordMac,
    stopping: stopping.signal,
    gone: gone.signal,
    onLeaseLost() {
      lost++
    },
    admit: () => admitMs,
    async attemptDelivery({ recipient, attempt }) {
      attempts.push({ subscriptionId: recipient.subscription.id, attempt })
      await answer
      return { decision, served: 'served' }
    },
    endpoints,
    retrySecondMs: 5,
    random: () => 0.5,
    maxAgeMs: 60_000,
    clock,
    log,
    metrics,
  })
  const page = async () => (await registry.expose()).text
  return {
    page,
    process,
    attempts,
    settled,
    held,
    alarms,
    warnings,
    stopping,
    gone,
    clock,
    endpoints,
    lost: () => lost,
  }
}
