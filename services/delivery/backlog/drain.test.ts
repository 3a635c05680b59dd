import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { RedisUnavailableError } from '#shared/redis'
import type { BacklogReference } from '#shared/stream-log'
import type { AttemptDecision } from '../decide-settlement.ts'
import { createEndpoints } from '../endpoints/endpoints.ts'
import { RETRY_HOLD_MS } from '../limits.ts'
import type { Recipient } from '../recipients.ts'
import type { Reopened } from '../reopen.ts'
import { startDrain } from './drain.ts'

suite('startDrain()', () => {
  test('delivers what waits, oldest first, and is over when nothing is left', async () => {
    const stage = setup()
    stage.lineUp('a', 'b', 'c')
    await stage.start().over
    assert.deepEqual(stage.attempts, ['a 1', 'b 1', 'c 1'])
    assert.deepEqual(stage.steps, ['close a', 'close b', 'close c'])
  })

  test('goes on with the attempts that were made', async () => {
    const stage = setup({ attemptsMade: 2 })
    stage.lineUp('a')
    await stage.start().over
    assert.deepEqual(stage.attempts, ['a 3'])
  })

  test('gives a failed message to the retry schedule: noted, scheduled, then out of the backlog', async () => {
    const stage = setup({ decision: { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' } })
    stage.lineUp('a')
    await stage.start().over
    assert.deepEqual(stage.steps, ['note a 1', 'schedule a 20000', 'keep a'])
  })

  test('schedules without an attempt what was noted for the retry schedule already', async () => {
    const stage = setup({ waits: () => false })
    stage.lineUp('a')
    await stage.start().over
    assert.deepEqual(stage.attempts, [])
    assert.deepEqual(stage.steps, ['schedule a 0', 'keep a'])
  })

  test('takes out references that lead to nothing, closes those nobody is to receive, and leaves evidence open', async () => {
    const kinds: Record<string, Reopened['kind']> = { a: 'absent', d: 'dropped', r: 'refused' }
    const stage = setup({ reopened: (messageId) => kinds[messageId] })
    stage.lineUp('a', 'd', 'r', '')
    await stage.start().over
    assert.deepEqual(stage.steps.toSorted(), ['close ', 'close d', 'keep a', 'keep r'].toSorted())
  })

  test('meets again after a while what could not be tried, and goes on with the others', async () => {
    let usable = false
    const stage = setup({ reopened: (messageId) => (messageId === 'held' && !usable ? 'hold' : undefined) })
    stage.lineUp('held', 'b')
    const drain = stage.start()
    await stage.until(() => stage.steps.length === 1)
    assert.deepEqual(stage.steps, ['close b'])
    usable = true
    stage.clock.advance(RETRY_HOLD_MS)
    stage.lineUp('c')
    drain.joined()
    await drain.over
    assert.deepEqual(stage.attempts.toSorted(), ['b 1', 'c 1', 'held 1'])
  })

  test('tries again and reports when reopening fails', async () => {
    let failures = 1
    const stage = setup({
      reopened() {
        if (failures-- > 0) throw new RedisUnavailableError('not connected')
        return undefined
      },
    })
    stage.lineUp('a')
    const drain = stage.start()
    await stage.until(() => stage.reported.length === 1)
    stage.clock.advance(RETRY_HOLD_MS)
    drain.joined()
    await drain.over
    assert.deepEqual(stage.steps, ['close a'])
  })

  test('does not try what is expected to be under way, and settles it by that attempt', async () => {
    const stage = setup()
    const answer = Promise.withResolvers<AttemptDecision>()
    const drain = stage.start()
    drain.expect('slow')
    const [slow] = stage.lineUp('slow', 'b')
    assert.ok(slow)
    drain.attempting(slow, answer.promise)
    drain.joined()
    await stage.until(() => stage.steps.includes('close b'))
    assert.deepEqual(stage.attempts, ['b 1'])
    assert.equal(drain.isOver, false)
    answer.resolve({ kind: 'delivered' })
    await drain.over
    assert.deepEqual(stage.steps, ['close b', 'close slow'])
    assert.equal(drain.isOver, true)
  })

  test('takes no more under way than the endpoint has permits, and consumes no attempt by waiting', async () => {
    const hanging = Promise.withResolvers<void>()
    const stage = setup({ answer: hanging.promise })
    stage.lineUp(...Array.from({ length: 100 }, (_, n) => `m${n}`))
    const drain = stage.start()
    await stage.until(() => drain.underWay === 64)
    assert.equal(stage.attempts.length, 64)
    hanging.resolve()
    await drain.over
    assert.equal(stage.attempts.length, 100)
  })

  test('waits for its rate, one after another', async () => {
    let room = 0
    const stage = setup({ admit: () => (room-- > 0 ? 0 : 1) })
    stage.lineUp('a', 'b', 'c')
    const drain = stage.start()
    await stage.until(() => drain.underWay === 3)
    assert.deepEqual(stage.attempts, [])
    room = 1
    await stage.until(() => stage.attempts.length === 1)
    room = 2
    await drain.over
    assert.deepEqual(stage.attempts, ['a 1', 'b 1', 'c 1'])
  })

  test('gives up what waited too long, without a permit', async () => {
    const stage = setup({ maxAgeMs: 60_000 })
    stage.lineUp('old')
    stage.clock.advance(60_001)
    stage.lineUp('new')
    const permits = Array.from({ length: 64 }, () => stage.endpoints.of('s').tryEnter())
    const drain = stage.start()
    await stage.until(() => stage.steps.length === 1)
    assert.deepEqual(stage.steps, ['close old'])
    assert.deepEqual(stage.expired, ['old'])
    permits[0]?.leave('served')
    await drain.over
    assert.deepEqual(stage.attempts, ['new 1'])
  })

  test('gives up nothing that cannot be tried, is not there, or is in the retry schedule', async () => {
    let usable = false
    const kinds: Record<string, Reopened['kind']> = { absent: 'absent', dropped: 'dropped' }
    const stage = setup({
      maxAgeMs: 60_000,
      reopened: (messageId) => (messageId === 'held' && !usable ? 'hold' : kinds[messageId]),
      waits: (messageId) => messageId !== 'elsewhere',
    })
    stage.lineUp('held', 'absent', 'dropped', 'elsewhere')
    stage.clock.advance(60_001)
    const drain = stage.start()
    await stage.until(() => stage.steps.length === 4)
    assert.deepEqual(stage.steps, ['keep absent', 'close dropped', 'schedule elsewhere 0', 'keep elsewhere'])
    assert.deepEqual(stage.expired, [])
    usable = true
    stage.clock.advance(RETRY_HOLD_MS)
    drain.joined()
    await drain.over
    assert.deepEqual(stage.expired, ['held'])
    assert.deepEqual(stage.attempts, [])
  })

  test('meets all that wait before it comes back to those that are held', async () => {
    let met = 0
    const stage = setup({
      reopened(messageId) {
        // As if each reading took longer than held ones rest.
        stage.clock.advance(RETRY_HOLD_MS)
        met++
        return messageId.startsWith('held') ? 'hold' : undefined
      },
    })
    stage.lineUp(...Array.from({ length: 200 }, (_, n) => `held ${n}`), 'last')
    const drain = stage.start()
    await stage.until(() => stage.steps.length === 1)
    assert.deepEqual(stage.steps, ['close last'])
    assert.ok(met < 400, `${met} were met`)
    stage.ended.abort()
    await drain.over
  })

  test('meets again what could not be tried long before the end of a backlog that keeps growing', async () => {
    let met = 0
    const stage = setup({
      reopened(messageId) {
        stage.clock.advance(100)
        if (++met < 2_000) stage.lineUp(`more ${met}`)
        return messageId === 'held' && met < 100 ? 'hold' : undefined
      },
    })
    stage.lineUp('held', ...Array.from({ length: 100 }, (_, n) => `one ${n}`))
    await stage.start().over
    const at = stage.steps.indexOf('close held')
    assert.ok(at >= 100 && at < 1_000, `after ${at} of ${stage.steps.length}`)
  })

  test('meets again what could not be tried also when the clock was set back', async () => {
    let usable = false
    let met = 0
    const stage = setup({
      reopened() {
        met++
        return usable ? undefined : 'hold'
      },
    })
    stage.lineUp('held')
    const drain = stage.start()
    await stage.until(() => met === 1 && drain.underWay === 0)
    usable = true
    stage.clock.advance(-3_600_000)
    drain.joined()
    await drain.over
    assert.deepEqual(stage.attempts, ['held 1'])
  })

  test('tells once of a reason that holds many', async () => {
    let usable = false
    const stage = setup({
      reopened() {
        if (!usable) throw new RedisUnavailableError('not connected')
        return undefined
      },
    })
    stage.lineUp('a', 'b', 'c')
    const drain = stage.start()
    await stage.until(() => stage.reported.length === 1 && drain.underWay === 0)
    usable = true
    stage.clock.advance(RETRY_HOLD_MS)
    drain.joined()
    await drain.over
    assert.equal(stage.reported.length, 1)
    assert.equal(stage.attempts.length, 3)
  })

  test('goes on when the backlog could not be read', async () => {
    const stage = setup({ unreadable: 1 })
    stage.lineUp('a')
    const drain = stage.start()
    await stage.until(() => stage.reported.length === 1)
    assert.equal(drain.isOver, false)
    drain.joined()
    await drain.over
    assert.deepEqual(stage.steps, ['close a'])
  })

  test('ends at once when told to, leaving what is under way to itself', async () => {
    const stage = setup({ answer: new Promise(() => undefined) })
    stage.lineUp('a')
    const drain = stage.start()
    await stage.until(() => drain.underWay === 1)
    stage.ended.abort()
    await drain.over
    assert.equal(drain.underWay, 1)
    assert.deepEqual(stage.steps, [])
  })
})

function setup({
  decision = { kind: 'delivered' },
  attemptsMade = 0,
  waits = () => true,
  reopened = () => undefined,
  admit = () => 0,
  answer = Promise.resolve(),
  maxAgeMs = 3_600_000,
  unreadable = 0,
}: {
  decision?: AttemptDecision
  attemptsMade?: number
  waits?: (messageId: string) => boolean
  /** Undefined when it is ready. */
  reopened?: (messageId: string) => Reopened['kind'] | undefined
  admit?: () => number
  answer?: Promise<unknown>
  maxAgeMs?: number
  /** How often reading the backlog fails for a reason that is not Redis's absence. */
  unreadable?: number
} = {}) {
  const clock = createFakeClock()
  const endpoints = createEndpoints({ clock, retrySecondMs: 1_000 })
  const lined: BacklogReference[] = []
  const steps: string[] = []
  const attempts: string[] = []
  const expired: string[] = []
  const reported: unknown[] = []
  const ended = new AbortController()
  let ids = 0
  const idOf = ({ backlogId }: BacklogReference) => Number(backlogId.split('-')[1])

  const start = () =>
    startDrain('s', {
      lease: {
        async readBacklog(_subscriptionId, after, limit) {
          if (unreadable-- > 0) throw new Error('WRONGTYPE')
          const last = after === '0' ? 0 : Number(after.split('-')[1])
          return lined.filter((one) => idOf(one) > last).slice(0, limit)
        },
        async leaveBacklog({ messageId, backlogId, close }) {
          steps.push(`${close ? 'close' : 'keep'} ${messageId}`)
          const at = lined.findIndex((one) => one.backlogId === backlogId)
          if (at >= 0) lined.splice(at, 1)
          return lined.length
        },
        noteAttempts: async (messageId, _subscriptionId, made) => void steps.push(`note ${messageId} ${made}`),
      },
      retries: {
        schedule: async ({ messageId }, { delayMs }) => void steps.push(`schedule ${messageId} ${delayMs}`),
      },
      async reopen(messageId) {
        const kind = reopened(messageId)
        if (kind !== undefined && kind !== 'ready') return { kind }
        return {
          kind: 'ready',
          entry: { messageId } as Extract<Reopened, { kind: 'ready' }>['entry'],
          recipient: { subscription: { id: 's' } } as Recipient,
          outgoing: () => ({ headers: {}, body: '' }),
          state: { attemptsMade, waits: waits(messageId) },
        }
      },
      admit,
      async attemptDelivery({ entry, attempt }) {
        attempts.push(`${entry.messageId} ${attempt}`)
        await answer
        return { decision, served: decision.kind === 'delivered' ? 'served' : 'refused' }
      },
      endpoints,
      retrySecondMs: 1_000,
      random: () => 0,
      clock,
      maxAgeMs,
      ended: ended.signal,
      gone: new AbortController().signal,
      onExpired: ({ messageId }) => void expired.push(messageId),
      onFailure: (error) => void reported.push(error),
    })

  return {
    clock,
    endpoints,
    steps,
    attempts,
    expired,
    reported,
    ended,
    start,
    lineUp: (...messageIds: string[]): BacklogReference[] =>
      messageIds.map((messageId) => {
        const reference = { messageId, backlogId: `${clock.now()}-${++ids}` }
        lined.push(reference)
        return reference
      }),
    async until(condition: () => boolean) {
      const deadline = performance.now() + 5_000
      while (!condition()) {
        assert.ok(performance.now() < deadline, 'the condition did not come true in time')
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
