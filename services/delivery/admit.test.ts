import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Entry } from '#shared/stream-log'
import { createAdmit } from './admit.ts'
import type { Recipient } from './recipients.ts'

suite('createAdmit()', () => {
  test('lets a message go whose subscription has no rate, without asking anybody', () => {
    const { admit, asked } = setup()
    assert.equal(admit(MESSAGE, recipient()), 0)
    assert.deepEqual(asked, [])
  })

  test('asks the rate of a throttled subscription', async () => {
    const { admit, asked } = setup({ rateMs: 200 })
    assert.equal(await admit(MESSAGE, recipient({ maxReceivesPerSecond: 5 })), 200)
    assert.deepEqual(asked, ['arn:topic s 5'])
  })

  test('asks the origin of a confirmation, whatever the rate of its subscription', () => {
    const { admit, asked } = setup()
    assert.equal(admit(CONFIRMATION, recipient({ maxReceivesPerSecond: 5 })), 0)
    assert.deepEqual(asked, ['https://example.com'])
  })

  test('spreads confirmations that have to wait over a second, and never says 0 for no', () => {
    for (const [waitMs, random, expected] of [
      [20, 0, 20],
      [20, 0.999, 1_019],
      [0, 0, 1],
    ] as const) {
      const { admit } = setup({ room: false, waitMs, random })
      assert.equal(admit(CONFIRMATION, recipient()), expected)
    }
  })
})

const MESSAGE = { kind: 'message', topicArn: 'arn:topic' } as Entry
const CONFIRMATION = { ...MESSAGE, kind: 'confirmation' } as Entry

function recipient({ maxReceivesPerSecond }: { maxReceivesPerSecond?: number } = {}): Recipient {
  return {
    subscription: { id: 's' },
    target: { origin: 'https://example.com' },
    terms: { maxReceivesPerSecond },
  } as Recipient
}

function setup({ rateMs = 0, room = true, waitMs = 0, random = 0 } = {}) {
  const asked: string[] = []
  const admit = createAdmit({
    subscriptionRate: {
      async take({ topicArn, subscriptionId, perSecond }) {
        asked.push(`${topicArn} ${subscriptionId} ${perSecond}`)
        return rateMs
      },
    },
    confirmationRate: {
      tryTake(origin) {
        asked.push(origin)
        return room
      },
      waitMs: () => waitMs,
    },
    random: () => random,
  })
  return { admit, asked }
}
