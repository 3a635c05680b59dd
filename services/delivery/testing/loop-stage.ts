/**
 * The delivery loop over a partition that lies in memory: what it records there, step by step, and how it is made to
 * fail. Redis itself is met in the integration tests.
 */

import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createFakeClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { RedisOutcomeUnknownError } from '#shared/redis'
import { type ClaimedEntry, type Entry, encodeEntry, type PartitionLease } from '#shared/stream-log'
import type { EntryDecision } from '../decide-settlement.ts'
import { runDeliveryLoop } from '../delivery-loop.ts'
import { createEndpoints } from '../endpoints/endpoints.ts'
import { createHeldReferences } from '../held/held-references.ts'
import type { WaitingMessages } from '../held/key-watch.ts'
import { createBudget } from '../in-flight-budget.ts'
import { createDeliveryMetrics } from '../metrics.ts'
import type { Recipient } from '../recipients.ts'

export const SETTLE: EntryDecision = { kind: 'settle' }

type Failing = 'handOff' | 'schedule' | 'resolve' | 'claim'

export function setupLoop({ budget = 100, begin = true }: { budget?: number; begin?: boolean } = {}) {
  const clock = createFakeClock()
  const recordMac = createRecordMac(
    createSecretRing('01234567', new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])),
  )
  const stream: (ClaimedEntry & { name: string; claimed: boolean })[] = []
  /** Open subscriptions: in the retry schedule after one attempt. */
  const bodies = new Map<string, string[]>()
  const waiting = new Map<string, string[]>()
  const heldFor = new Map<string, { heldId: string; name: string; fields: ReadonlyMap<string, Buffer> }[]>()
  const keysWaitedFor = new Map<string, WaitingMessages>()
  const refusedKeys = new Set<string>()
  const attempts: string[] = []
  const forgedBodies = new Set<string>()
  const steps: string[] = []
  const handled: string[] = []
  const alarms: string[] = []
  const errors: string[] = []
  const failures = new Map<Failing, Error>()
  /** What was asked of Redis about new entries and their topics, in order. */
  const questions: string[] = []
  let decide: (entry: Entry) => Promise<EntryDecision> = async () => SETTLE
  let appended = (): void => undefined
  let readings = 0
  let idle = false
  let lost = 0
  let lostClaim = false
  let resentClaim = false
  let mostHeldRead = 0
  let heldPage: { read: PromiseWithResolvers<void>; deliver: PromiseWithResolvers<void> } | undefined

  const failIfTold = (what: Failing) => {
    const failure = failures.get(what)
    failures.delete(what)
    if (failure !== undefined) throw failure
  }
  const nameOf = (streamId: string) => stream.find((one) => one.streamId === streamId)?.name ?? '?'
  const remove = (streamId: string) => {
    const at = stream.findIndex((one) => one.streamId === streamId)
    if (at >= 0) stream.splice(at, 1)
  }
  const idAfter = (id: string, other: string) => Number.parseInt(id, 10) > Number.parseInt(other, 10)

  const lease: PartitionLease = {
    partition: 0,
    token: 'token',
    renew: async () => true,
    release: async () => undefined,
    async claim(limit, onResend) {
      questions.push('claim')
      await delay(1)
      if (resentClaim) onResend?.()
      resentClaim = false
      failIfTold('claim')
      const fresh = stream.filter((one) => !one.claimed).slice(0, limit)
      for (const one of fresh) one.claimed = true
      if (fresh.length > 0 && lostClaim) {
        lostClaim = false
        throw new RedisOutcomeUnknownError('timed out')
      }
      return fresh.map(({ streamId, fields }) => ({ streamId, fields }))
    },
    async reread(after, limit) {
      readings++
      const page = stream
        .filter((one) => one.claimed && idAfter(one.streamId, after))
        .slice(0, limit)
        .map(({ streamId, fields }) => ({ streamId, fields }))
      const held = heldPage
      heldPage = undefined
      held?.read.resolve()
      await (held?.deliver.promise ?? delay(1))
      return page
    },
    async waitForEntries({ signal }) {
      const nextTopic = () =>
        stream
          .find((one) => !one.claimed)
          ?.fields.get('topic')
          ?.toString()
      if (nextTopic() !== undefined) return nextTopic()
      idle = true
      await new Promise<void>((resolve) => {
        appended = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      idle = false
      return nextTopic()
    },
    async settle(streamIds) {
      for (const streamId of streamIds) {
        steps.push(`settle ${nameOf(streamId)}`)
        remove(streamId)
      }
    },
    async quarantine({ streamId }, reason) {
      steps.push(`quarantine ${nameOf(streamId)} ${reason}`)
      remove(streamId)
    },
    async handOff(_claimed, { messageId, open }) {
      failIfTold('handOff')
      const shown = open.map((one) => `${one.subscriptionId}:${one.waits ? 'w' : ''}${one.attemptsMade}`)
      steps.push(`hand-off ${messageId} ${shown.join(',')}`)
      const backlogIds = new Map<string, string>()
      for (const { subscriptionId, waits } of open) {
        if (!waits) continue
        waiting.set(subscriptionId, [...(waiting.get(subscriptionId) ?? []), messageId])
        backlogIds.set(subscriptionId, `${clock.now()}-${waiting.get(subscriptionId)?.length}`)
      }
      return { backlogIds, foreign: false }
    },
    settleSubscription: async () => undefined,
    async readBody(messageId) {
      const subscriptionIds = bodies.get(messageId)
      if (subscriptionIds === undefined) return undefined
      const fields = fieldsOf(encodeEntry(message(messageId), recordMac))
      if (forgedBodies.has(messageId)) fields.set('subject', Buffer.from('added'))
      return { fields, open: new Map(subscriptionIds.map((id) => [id, { attemptsMade: 1, waits: false }])) }
    },
    async noteAttempts(messageId, subscriptionId, attemptsMade) {
      steps.push(`note ${messageId} ${subscriptionId} ${attemptsMade}`)
    },
    listBacklogs: async () => [],
    async readBacklog(subscriptionId, after) {
      if (after !== '0') return []
      return (waiting.get(subscriptionId) ?? []).map((messageId, at) => ({
        messageId,
        backlogId: `${clock.now()}-${at + 1}`,
      }))
    },
    async leaveBacklog({ subscriptionId, messageId, close }) {
      steps.push(`leave ${messageId} ${subscriptionId} ${close ? 'close' : 'keep'}`)
      const left = (waiting.get(subscriptionId) ?? []).filter((one) => one !== messageId)
      waiting.set(subscriptionId, left)
      return left.length
    },
    async hold(keyArn, streamIds) {
      const held = heldFor.get(keyArn) ?? []
      heldFor.set(keyArn, held)
      for (const streamId of streamIds) {
        const entry = stream.find((one) => one.streamId === streamId)
        if (entry === undefined) continue
        steps.push(`hold ${entry.name}`)
        remove(streamId)
        held.push({ heldId: `${++ids}-0`, name: entry.name, fields: entry.fields })
      }
      return { held: held.length, foreign: false }
    },
    holdReference: async () => ({ held: 0, left: 0 }),
    resumeReference: async () => ({ kind: 'closed' }),
    listHeldKeys: async () => [...heldFor.keys()],
    async readHeld(keyArn, after, limit) {
      const held = (heldFor.get(keyArn) ?? []).filter(({ heldId }) => idAfter(heldId, after))
      const page = held.slice(0, limit)
      mostHeldRead = Math.max(mostHeldRead, page.length)
      return page.map(({ heldId, fields }) => ({ kind: 'entry', heldId, fields }))
    },
    async leaveHeld(keyArn, heldIds) {
      const held = heldFor.get(keyArn) ?? []
      for (const { heldId, name } of held) if (heldIds.includes(heldId)) steps.push(`leave ${name}`)
      const left = held.filter(({ heldId }) => !heldIds.includes(heldId))
      if (left.length === 0) heldFor.delete(keyArn)
      else heldFor.set(keyArn, left)
      return left.length
    },
    async quarantineHeld(keyArn, heldId, reason) {
      const name = heldFor.get(keyArn)?.find((one) => one.heldId === heldId)?.name
      steps.push(`quarantine ${name} ${reason}`)
      return lease.leaveHeld(keyArn, [heldId])
    },
  }
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (event) => void errors.push(event),
    alarm: (event) => void alarms.push(event),
    flush: () => undefined,
  }
  const stopping = new AbortController()
  const gone = new AbortController()
  const finished = Promise.withResolvers<void>()
  let begun = false
  const run = () => {
    begun = true
    runDeliveryLoop({
      lease,
      retries: {
        async schedule({ messageId, subscriptionId }, { delayMs }) {
          failIfTold('schedule')
          steps.push(`schedule ${messageId} ${subscriptionId} ${delayMs}`)
        },
        async hasten({ messageId, subscriptionId }) {
          steps.push(`hasten ${messageId} ${subscriptionId}`)
          return true
        },
      },
      stopping: stopping.signal,
      gone: gone.signal,
      onLeaseLost() {
        lost++
        gone.abort()
      },
      recordMac,
      topics: {
        async resolve(_topicArns, ahead) {
          failIfTold('resolve')
          questions.push(ahead === undefined ? 'versions' : `versions after ${ahead.topicArn}`)
          return new Map()
        },
        askAhead(topicArn) {
          questions.push(`ahead ${topicArn}`)
          return { topicArn, version: Promise.resolve(undefined) }
        },
      },
      async handleEntry(entry) {
        handled.push(entry.messageId)
        return decide(entry)
      },
      keyWatch: {
        refusalOf: () => undefined,
        isRefused: (keyArn) => refusedKeys.has(keyArn),
        refused: () => undefined,
        worked: () => undefined,
        watch(keyArn, one) {
          keysWaitedFor.set(keyArn, one)
          return ({ released }) => {
            keysWaitedFor.delete(keyArn)
            steps.push(`unwatch ${released}`)
          }
        },
        probeDue: async () => undefined,
      },
      heldReferences: createHeldReferences(lease),
      budget: createBudget({ capacity: budget }),
      reopen: async (messageId, subscriptionId) => ({
        kind: 'ready',
        entry: message(messageId),
        recipient: { subscription: { id: subscriptionId } } as Recipient,
        outgoing: () => ({ headers: {}, body: '' }),
        state: { attemptsMade: 0, waits: true },
      }),
      admit: () => 0,
      async attemptDelivery({ entry, recipient, attempt }) {
        attempts.push(`${entry.messageId} ${recipient.subscription.id} ${attempt}`)
        return { decision: { kind: 'delivered' }, served: 'served' }
      },
      endpoints: createEndpoints({ clock, retrySecondMs: 1_000 }),
      maxAgeMs: 3_600_000,
      retrySecondMs: 1_000,
      random: () => 0,
      clock,
      log,
      metrics: createDeliveryMetrics(createMetrics({ service: 'test' }), clock),
    }).then(finished.resolve, finished.reject)
  }
  if (begin) run()

  const put = (name: string, fields: ReadonlyMap<string, Buffer>) => {
    const last = stream.at(-1)?.streamId ?? '0-0'
    stream.push({ streamId: `${Number.parseInt(last, 10) + 1 + ids++}-0`, name, fields, claimed: false })
    appended()
  }
  let ids = 0
  return {
    clock,
    bodies,
    forgedBodies,
    steps,
    attempts,
    handled,
    questions,
    alarms,
    errors,
    finished: finished.promise,
    begin: run,
    readings: () => readings,
    /** Held messages that were read at once. */
    mostHeldRead: () => mostHeldRead,
    lost: () => lost,
    /** Whether the loop waits for entries rather than for an answer. */
    idle: () => idle,
    pending: () => stream.map(({ name }) => name),
    append(...names: string[]) {
      for (const name of names) put(name, fieldsOf(encodeEntry(message(name), recordMac)))
    },
    appendForged(name: string) {
      const fields = fieldsOf(encodeEntry(message(name), recordMac))
      fields.set('body', Buffer.from('other words'))
      put(name, fields)
    },
    claimAll() {
      for (const one of stream) one.claimed = true
    },
    decide(next: (entry: Entry) => Promise<EntryDecision>) {
      decide = next
    },
    alterHeld(keyArn: string, name: string) {
      const entry = heldFor.get(keyArn)?.find((one) => one.name === name)
      if (entry !== undefined) entry.fields = new Map([...entry.fields, ['body', Buffer.from('other words')]])
    },
    holdAlready(keyArn: string, ...names: string[]) {
      const held = names.map((name) => {
        return { heldId: `${++ids}-0`, name, fields: fieldsOf(encodeEntry(message(name), recordMac)) }
      })
      heldFor.set(keyArn, held)
    },
    /** As the key watch does when a probe was answered. */
    releaseKey: (keyArn: string) => keysWaitedFor.get(keyArn)?.release(),
    isWaitedFor: (keyArn: string) => keysWaitedFor.has(keyArn),
    refuse: (keyArn: string) => void refusedKeys.add(keyArn),
    failNext: (what: Failing, error: Error) => void failures.set(what, error),
    resendNextClaim() {
      resentClaim = true
    },
    loseNextClaim() {
      lostClaim = true
    },
    holdNextPage() {
      const page = { read: Promise.withResolvers<void>(), deliver: Promise.withResolvers<void>() }
      heldPage = page
      return { read: page.read.promise, deliver: () => page.deliver.resolve() }
    },
    async until(condition: () => boolean) {
      const deadline = Date.now() + 10_000
      while (!condition()) {
        assert.ok(Date.now() < deadline, 'the condition did not come true in time')
        await delay(2)
      }
    },
    async stop() {
      stopping.abort()
      await finished.promise
    },
    /** Ends a loop that a failed test left running. */
    async [Symbol.asyncDispose]() {
      gone.abort()
      if (begun) await finished.promise.catch(() => undefined)
    },
  }
}

function message(messageId: string): Entry {
  return {
    kind: 'message',
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    incarnation: 'a'.repeat(32),
    messageId,
    principal: 'arn:aws:iam::000000000000:user/publisher',
    acceptedAt: 1,
    attributes: [],
    body: Buffer.from('words'),
  }
}

function fieldsOf(flat: readonly (string | Buffer)[]): Map<string, Buffer> {
  const fields = new Map<string, Buffer>()
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(String(flat[at]), Buffer.from(flat[at + 1] ?? ''))
  return fields
}
