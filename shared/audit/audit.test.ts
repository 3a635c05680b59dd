import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import type { Fields } from '#shared/log'
import { type AuditedCall, createAudit } from './audit.ts'

const ADA = 'arn:aws:iam::000000000000:user/ada'
const ORDERS = 'arn:aws:sns:us-east-1:000000000000:orders'

suite('createAudit()', () => {
  test('writes who, what, on what and by which statement a call was denied', () => {
    const { audit, lines } = setup()
    audit.record(
      denied({
        notes: {
          resource: ORDERS,
          decision: {
            allowed: false,
            reason: 'explicit-deny',
            by: { source: 'identity', policy: 'NoOrders', sid: 'Deny1', index: 2 },
          },
        },
      }),
    )
    assert.deepEqual(lines, [
      [
        'audit.denied',
        {
          action: 'sns:Publish',
          resource: ORDERS,
          decision: 'denied',
          code: 'AuthorizationError',
          reason: 'explicit-deny',
          source: 'identity',
          policy: 'NoOrders',
          sid: 'Deny1',
          statement: 2,
          principal: ADA,
          accessKey: '…WXYZ',
          onBehalfOf: undefined,
          region: 'us-east-1',
          sourceIp: '192.0.2.1',
          requestId: 'r',
        },
      ],
    ])
  })

  test('does not explain a denial by the statement that allowed something else', () => {
    const { audit, lines } = setup()
    const decision = { allowed: true, by: { source: 'resource', index: 0 } }
    audit.record(denied({ code: 'KMSAccessDenied', notes: { decision } }))
    assert.deepEqual([lines[0]?.[1].source, lines[0]?.[1].reason], [undefined, undefined])
  })

  for (const [code, allowed, decision] of [
    ['ok', true, 'allowed'],
    ['ok', undefined, 'allowed'],
    ['NotFound', true, 'allowed'],
    ['InvalidParameter', undefined, 'undecided'],
  ] as const) {
    test(`calls an administrative call that ended ${code} ${decision} when permission was ${allowed ?? 'not asked'}`, () => {
      const { audit, lines } = setup()
      const notes = allowed === undefined ? {} : { decision: { allowed } }
      audit.record(denied({ record: 'administered', code, notes }))
      assert.deepEqual([lines[0]?.[0], lines[0]?.[1].decision], ['audit.administered', decision])
    })
  }

  test('shows of an access key id no more than its last four characters', () => {
    const { audit, lines } = setup()
    audit.record(denied({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }))
    assert.equal(lines[0]?.[1].accessKey, '…MPLE')
    assert.doesNotMatch(JSON.stringify(lines), /IOSFODNN/)
  })

  test('bounds texts and strips what a terminal would act on', () => {
    const { audit, lines } = setup()
    audit.record(denied({ principal: `a\x1b[2J\n{"event":"x"}\u2028${'b'.repeat(5_000)}` }))
    const { principal } = lines[0]?.[1] ?? {}
    assert.match(String(principal), /^a\?\[2J\?\{"event":"x"\}\?b+$/)
    assert.equal(String(principal).length, 1_024)
  })

  test('leaves out denials above the rate, tells how many, and never an administrative call', () => {
    const { audit, lines, leftOut, fire } = setup({ burst: 2, perSecond: 1 })
    for (let n = 0; n < 5; n++) audit.record(denied({}))
    for (let n = 0; n < 5; n++) audit.record(denied({ record: 'administered', code: 'ok' }))
    assert.deepEqual(events(lines), { 'audit.denied': 2, 'audit.administered': 5 })
    assert.equal(leftOut(), 3)
    fire(10_000)
    assert.deepEqual(lines.at(-1), ['audit.left-out', { denied: 3, seconds: 10 }])
    audit.record(denied({}))
    assert.equal(lines.at(-1)?.[0], 'audit.denied')
  })

  test('keeps room for others while one caller is denied without end', () => {
    const { audit, lines } = setup({ burst: 2, perSecond: 1 })
    for (let n = 0; n < 100; n++) audit.record(denied({ principal: undefined }))
    audit.record(denied({ principal: ADA }))
    assert.equal(lines.at(-1)?.[1].principal, ADA)
  })

  test('has a limit for all callers together', () => {
    const { audit, lines } = setup({ burst: 2, perSecond: 1 })
    for (let n = 0; n < 100; n++) audit.record(denied({ principal: `${ADA}${n}` }))
    assert.equal(lines.length, 6)
  })

  test('gives a thread its part of the lines', () => {
    const { audit, lines } = setup({ burst: 8, perSecond: 4 }, 0.25)
    for (let n = 0; n < 100; n++) audit.record(denied({ principal: ADA }))
    assert.equal(lines.length, 2)
    for (let n = 0; n < 100; n++) audit.record(denied({ principal: `${ADA}${n}` }))
    assert.equal(lines.length, 6)
  })

  test('tells at its end what it left out', () => {
    const { audit, lines } = setup({ burst: 1, perSecond: 1 })
    audit.record(denied({}))
    audit.record(denied({}))
    audit[Symbol.dispose]()
    assert.deepEqual(lines.at(-1), ['audit.left-out', { denied: 1, seconds: 0 }])
    audit[Symbol.dispose]()
    assert.equal(lines.length, 2)
  })
})

function denied(some: Partial<AuditedCall>): AuditedCall {
  return {
    record: 'denied',
    action: 'sns:Publish',
    requestId: 'r',
    code: 'AuthorizationError',
    sourceIp: '192.0.2.1',
    principal: ADA,
    accessKeyId: 'AKIAWXYZ',
    region: 'us-east-1',
    notes: {},
    ...some,
  }
}

function events(lines: readonly [string, Fields][]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [event] of lines) counts[event] = (counts[event] ?? 0) + 1
  return counts
}

function setup(each = { burst: 100, perSecond: 10 }, part = 1) {
  const lines: [string, Fields][] = []
  const write = (event: string, fields: Fields = {}) => void lines.push([event, fields])
  const clock = createFakeClock()
  let leftOut = 0
  let scheduled: (() => void) | undefined
  const audit = createAudit({
    log: { info: write, warn: write, error: write, alarm: write, flush: () => {} },
    clock,
    part,
    each,
    all: { burst: each.burst * 3, perSecond: each.perSecond * 3 },
    onLeftOut: () => leftOut++,
    schedule(callback) {
      scheduled = callback
      return () => {
        scheduled = undefined
      }
    },
  })
  const fire = (ms: number) => {
    clock.advance(ms)
    scheduled?.()
  }
  return { audit, lines, leftOut: () => leftOut, fire }
}
