import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createFakeClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { RedisForeignDataError, RedisOutcomeUnknownError, RedisUnavailableError } from '#shared/redis'
import { RetryScheduleSpoiltError } from '#shared/retry-schedule'
import { type ClaimedEntry, type Entry, encodeEntry, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { AttemptDecision, EntryDecision } from './decide-settlement.ts'
import { runDeliveryLoop } from './delivery-loop.ts'
import { createEndpoints } from './endpoints/endpoints.ts'
import { createBudget } from './in-flight-budget.ts'
import { REREAD_PAUSE_MS } from './limits.ts'
import { createDeliveryMetrics } from './metrics.ts'
import type { Recipient } from './recipients.ts'

suite('runDeliveryLoop()', () => {
  test('handles entries at the same time and settles them', async () => {
    await using stage = setup()
    const both = Promise.withResolvers<void>()
    let begun = 0
    stage.decide(async () => {
      if (++begun === 2) both.resolve()
      await both.promise
      return { kind: 'settle' }
    })
    stage.append('a', 'b')
    await stage.until(() => stage.pending().length === 0 && begun === 2)
    await stage.stop()
  })

  test('writes the body record, then the jobs, then settles', async () => {
    await using stage = setup()
    const later = ['s1', 's2'].map((subscriptionId) => ({ kind: 'retry', subscriptionId, delaySeconds: 20 }) as const)
    stage.decide(async () => ({ kind: 'hand-off', later }))
    stage.append('a')
    await stage.until(() => stage.pending().length === 0 && stage.steps.length === 4)
    assert.deepEqual(stage.steps, ['hand-off a s1:1,s2:1', 'schedule a s1 20000', 'schedule a s2 20000', 'settle a'])
    await stage.stop()
  })

  test('repeats a hand-off and a schedule whose outcome is unknown', async () => {
    await using stage = setup()
    stage.decide(async () => ({ kind: 'hand-off', later: [{ kind: 'retry', subscriptionId: 's1', delaySeconds: 1 }] }))
    stage.failNext('handOff', new RedisOutcomeUnknownError('timed out'))
    stage.failNext('schedule', new RedisUnavailableError('not connected'))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    assert.equal(stage.handled.length, 1)
    await stage.stop()
  })

  test('quarantines what does not verify and goes on with the rest', async () => {
    await using stage = setup()
    stage.appendForged('evil')
    stage.append('good')
    await stage.until(() => stage.steps.length === 2)
    assert.deepEqual(stage.steps.toSorted(), ['quarantine evil RECORD_FORGED', 'settle good'])
    assert.deepEqual(stage.alarms, ['entry.quarantined'])
    await stage.stop()
  })

  test('leaves a held entry pending, gives its place back, and tries it again at the next reading', async () => {
    await using stage = setup({ budget: 1 })
    stage.decide(async (entry) => (entry.messageId === 'held' ? { kind: 'hold', reason: 'KMS_DISABLED' } : SETTLE))
    stage.append('held')
    await stage.until(() => stage.handled.length === 1)
    stage.append('free')
    await stage.until(() => stage.steps.includes('settle free'))
    assert.deepEqual(stage.pending(), ['held'])
    stage.decide(async () => SETTLE)
    stage.clock.advance(REREAD_PAUSE_MS)
    await stage.until(() => stage.pending().length === 0)
    await stage.stop()
  })

  test('reads the entries of a former owner at the start, and does not try again what was handed off', async () => {
    await using stage = setup({ begin: false })
    stage.append('fresh', 'handed-off')
    stage.claimAll()
    stage.bodies.set('handed-off', ['s7'])
    stage.begin()
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.handled, ['fresh'])
    assert.deepEqual(stage.steps.toSorted(), ['schedule handed-off s7 0', 'settle fresh', 'settle handed-off'])
    await stage.stop()
  })

  test('lines up in its backlog what waits, and delivers it from there with the attempts that were made', async () => {
    await using stage = setup()
    stage.decide(async () => ({
      kind: 'hand-off',
      later: [{ kind: 'waits', subscriptionId: 's1', underWay: undefined }],
    }))
    stage.append('a')
    await stage.until(() => stage.steps.includes('leave a s1 close'))
    assert.deepEqual(stage.steps.slice(0, 1), ['hand-off a s1:w0'])
    assert.ok(stage.steps.includes('settle a'))
    assert.deepEqual(stage.attempts, ['a s1 1'])
    await stage.stop()
  })

  test('does not try again a first attempt that goes on, and schedules its retry when it fails', async () => {
    await using stage = setup()
    const answer = Promise.withResolvers<AttemptDecision>()
    stage.decide(async () => ({
      kind: 'hand-off',
      later: [{ kind: 'waits', subscriptionId: 's1', underWay: answer.promise }],
    }))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    answer.resolve({ kind: 'retry', delaySeconds: 7, reason: 'TIMEOUT' })
    await stage.until(() => stage.steps.includes('leave a s1 keep'))
    assert.deepEqual(stage.steps, [
      'hand-off a s1:w0',
      'settle a',
      'note a s1 1',
      'schedule a s1 7000',
      'leave a s1 keep',
    ])
    assert.deepEqual(stage.attempts, [])
    await stage.stop()
  })

  test('tries from its backlog what was expected there, was not lined up, and then had to wait', async () => {
    await using stage = setup()
    const later = { kind: 'waits', subscriptionId: 's1' } as const
    stage.decide(async () => ({ kind: 'hand-off', later: [{ ...later, underWay: new Promise(() => undefined) }] }))
    stage.failNext('handOff', new RedisForeignDataError('WRONGTYPE'))
    stage.append('a')
    await stage.until(() => stage.alarms.length === 1)
    stage.decide(async () => ({ kind: 'hand-off', later: [{ ...later, underWay: undefined }] }))
    stage.clock.advance(REREAD_PAUSE_MS)
    await stage.until(() => stage.steps.includes('leave a s1 close'))
    assert.deepEqual(stage.attempts, ['a s1 1'])
    await stage.stop()
  })

  test('reads held entries again also when the clock was set back', async () => {
    await using stage = setup()
    stage.decide(async () => ({ kind: 'hold', reason: 'KMS_DISABLED' }))
    stage.append('held')
    await stage.until(() => stage.handled.length === 1 && stage.idle())
    stage.decide(async () => SETTLE)
    stage.clock.advance(-3_600_000)
    await stage.until(() => stage.pending().length === 0)
    await stage.stop()
  })

  test('reads long lists of pending entries page by page', async () => {
    await using stage = setup({ begin: false })
    const names = Array.from({ length: 300 }, (_, index) => `m${index}`)
    stage.append(...names)
    stage.claimAll()
    stage.begin()
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.handled.toSorted(), names.toSorted())
    await stage.stop()
  })

  test('rereads at once after a claim whose reply was lost', async () => {
    await using stage = setup()
    await stage.until(() => stage.readings() > 0)
    stage.loseNextClaim()
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    await stage.stop()
  })

  test('does not handle twice an entry that is settled while a page is on its way', async () => {
    await using stage = setup()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1)
    const page = stage.holdNextPage()
    stage.clock.advance(REREAD_PAUSE_MS)
    await page.read
    answer.resolve(SETTLE)
    await stage.until(() => stage.pending().length === 0)
    page.deliver()
    stage.decide(async () => SETTLE)
    stage.append('b')
    await stage.until(() => stage.steps.includes('settle b'))
    assert.deepEqual(stage.handled, ['a', 'b'])
    await stage.stop()
  })

  test('leaves entries pending when the topics cannot be read', async () => {
    await using stage = setup()
    stage.failNext('resolve', new RedisUnavailableError('not connected'))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    await stage.stop()
  })

  test('leaves an entry pending when handling it fails unforeseen', async () => {
    await using stage = setup()
    stage.decide(() => Promise.reject(new TypeError('a fault of ours')))
    stage.append('a')
    await stage.until(() => stage.errors.includes('entry.failed'))
    assert.deepEqual(stage.pending(), ['a'])
    await stage.stop()
  })

  test('gives up a partition whose stream or group was taken away', async () => {
    for (const replyCode of ['WRONGTYPE', 'NOGROUP']) {
      await using stage = setup()
      stage.failNext('claim', new RedisForeignDataError(replyCode))
      await assert.rejects(stage.finished, { replyCode })
    }
  })

  test('leaves an entry pending, gives its place back and raises an alarm when its retry cannot be kept', async () => {
    await using stage = setup({ budget: 1 })
    stage.decide(async () => ({ kind: 'hand-off', later: [{ kind: 'retry', subscriptionId: 's', delaySeconds: 20 }] }))
    stage.failNext('schedule', new RetryScheduleSpoiltError('a key is in the way'))
    stage.append('a')
    await stage.until(() => stage.alarms.includes('entry.failed'))
    assert.deepEqual(stage.pending(), ['a'])
    stage.decide(async () => SETTLE)
    stage.append('b')
    await stage.until(() => stage.steps.includes('settle b'))
    await stage.stop()
  })

  test('delivers an entry although somebody laid a body record beside it that does not verify', async () => {
    await using stage = setup({ begin: false })
    stage.append('a')
    stage.claimAll()
    stage.bodies.set('a', [])
    stage.forgedBodies.add('a')
    stage.begin()
    await stage.until(() => stage.steps.includes('settle a'))
    assert.deepEqual(stage.handled, ['a'])
    assert.deepEqual(stage.alarms, ['record.forged'])
    await stage.stop()
  })

  test('drops everything at once when a fenced script is refused', async () => {
    await using stage = setup()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1)
    stage.failNext('claim', new LeaseLostError(0))
    stage.append('b')
    await stage.finished
    assert.equal(stage.lost(), 1)
    assert.deepEqual(stage.handled, ['a'])
    assert.deepEqual(stage.pending(), ['a', 'b'])
    answer.resolve(SETTLE)
  })

  test('claims nothing more when told to stop, and waits for what is in flight', async () => {
    await using stage = setup()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1 && stage.idle())
    const stopped = stage.stop()
    stage.append('b')
    await delay(20)
    assert.deepEqual(stage.handled, ['a'])
    answer.resolve(SETTLE)
    await stopped
    assert.deepEqual(stage.steps, ['settle a'])
  })

  test('has no more in flight than its budget', async () => {
    await using stage = setup({ budget: 3 })
    let now = 0
    let most = 0
    stage.decide(async () => {
      most = Math.max(most, ++now)
      await delay(1)
      now--
      return SETTLE
    })
    stage.append(...Array.from({ length: 30 }, (_, index) => `m${index}`))
    await stage.until(() => stage.steps.length === 30)
    assert.equal(most, 3)
    await stage.stop()
  })
})

const SETTLE: EntryDecision = { kind: 'settle' }

type Failing = 'handOff' | 'schedule' | 'resolve' | 'claim'

function setup({ budget = 100, begin = true }: { budget?: number; begin?: boolean } = {}) {
  const clock = createFakeClock()
  const recordMac = createRecordMac(
    createSecretRing('01234567', new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])),
  )
  const stream: (ClaimedEntry & { name: string; claimed: boolean })[] = []
  /** Open subscriptions: in the retry schedule after one attempt. */
  const bodies = new Map<string, string[]>()
  const waiting = new Map<string, string[]>()
  const attempts: string[] = []
  const forgedBodies = new Set<string>()
  const steps: string[] = []
  const handled: string[] = []
  const alarms: string[] = []
  const errors: string[] = []
  const failures = new Map<Failing, Error>()
  let decide: (entry: Entry) => Promise<EntryDecision> = async () => SETTLE
  let appended = (): void => undefined
  let readings = 0
  let idle = false
  let lost = 0
  let lostClaim = false
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
    async claim(limit) {
      await delay(1)
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
      if (stream.some((one) => !one.claimed)) return
      idle = true
      await new Promise<void>((resolve) => {
        appended = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      idle = false
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
      },
      stopping: stopping.signal,
      gone: gone.signal,
      onLeaseLost() {
        lost++
        gone.abort()
      },
      recordMac,
      topics: {
        async resolve() {
          failIfTold('resolve')
          return new Map()
        },
      },
      async handleEntry(entry) {
        handled.push(entry.messageId)
        return decide(entry)
      },
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
      metrics: createDeliveryMetrics(createMetrics({ service: 'test' })),
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
    alarms,
    errors,
    finished: finished.promise,
    begin: run,
    readings: () => readings,
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
    failNext: (what: Failing, error: Error) => void failures.set(what, error),
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
