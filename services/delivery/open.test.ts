import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { deriveDataKey, seal } from '#shared/envelope'
import { KmsAccessDeniedError, KmsDisabledError, KmsIntegrityError } from '#shared/kms-client'
import type { Log } from '#shared/log'
import type { Entry } from '#shared/stream-log'
import { createKeyWatch } from './held/key-watch.ts'
import { createOpenBody } from './open.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1'

suite('createOpenBody()', () => {
  test('gives the text of an entry that was never sealed without asking for a key', async () => {
    const { openBody, asked } = setup()
    assert.equal(await openBody(entry({ body: Buffer.from('héllo') })), 'héllo')
    assert.equal(asked.length, 0)
  })

  test('opens a sealed entry under its whole context', async () => {
    const { openBody, sealed } = setup()
    assert.equal(await openBody(sealed('héllo', { subject: 'S' })), 'héllo')
  })

  for (const [what, change] of [
    ['subject', { subject: 'other' }],
    ['topic', { topicArn: 'arn:aws:sns:us-east-1:000000000000:other' }],
    ['message id', { messageId: '00000000-0000-4000-8000-000000000009' }],
    ['principal', { principal: 'arn:aws:iam::000000000000:user/other' }],
    ['time', { acceptedAt: 2 }],
    ['attributes', { attributes: [{ name: 'a', dataType: 'String', value: 'c' }] }],
  ] as const) {
    test(`refuses an entry whose ${what} is not the sealed one`, async () => {
      const { openBody, sealed } = setup()
      await assert.rejects(openBody({ ...sealed('x', { subject: 'S' }), ...change }), {
        code: 'ENVELOPE_AUTHENTICATION_FAILED',
      })
    })
  }

  test('tells the watch of a refusal, and asks nothing more of a key that it knows to be refused', async () => {
    const { openBody, sealed, refuse, asked, watch } = setup()
    refuse(new KmsDisabledError('disabled'))
    await assert.rejects(openBody(sealed('x')), { code: 'KMS_DISABLED' })
    await assert.rejects(openBody(sealed('y')), { code: 'KMS_DISABLED' })
    assert.equal(asked.length, 1)
    refuse(undefined)
    watch.worked(KEY)
    assert.equal(await openBody(sealed('x')), 'x')
  })

  test('goes on with a data key that is open while its KMS key is refused', async () => {
    const { openBody, sealed, hold, watch } = setup()
    const entry = sealed('x')
    watch.refused(refusedOf(entry), new KmsDisabledError('disabled'))
    hold()
    assert.equal(await openBody(entry), 'x')
  })

  test('refuses a message only after earlier questions about its KMS key are answered', async () => {
    const { openBody, sealed, answerLater, watch } = setup()
    const answer = answerLater()
    const order: string[] = []
    const first = openBody(sealed('x')).catch(() => void order.push('first'))
    watch.refused(refusedOf(sealed('y')), new KmsDisabledError('disabled'))
    const second = openBody(sealed('y')).catch(() => void order.push('second'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(order, [])
    answer(new KmsDisabledError('disabled'))
    await Promise.all([first, second])
    assert.deepEqual(order, ['first', 'second'])
  })

  test('does not hold "denied" against other data keys of the same KMS key', async () => {
    const { openBody, sealed, refuse } = setup()
    const { sealed: genuine, ...entry } = sealed('x')
    assert.ok(genuine)
    refuse(new KmsAccessDeniedError('no key of ours'))
    const foreign = { ...entry, sealed: { ...genuine, encryptedDataKey: Buffer.from('foreign') } }
    await assert.rejects(openBody(foreign), { code: 'KMS_ACCESS_DENIED' })
    refuse(undefined)
    assert.equal(await openBody({ ...entry, sealed: genuine }), 'x')
  })

  test('refuses an encrypted data key and a key ARN that KMS cannot have given, without asking', async () => {
    const { openBody, sealed, asked } = setup()
    const { sealed: genuine, ...entry } = sealed('x')
    assert.ok(genuine)
    for (const altered of [
      { encryptedDataKey: Buffer.alloc(0) },
      { encryptedDataKey: Buffer.alloc(6145, 1) },
      { keyArn: '' },
      { keyArn: 'alias/mine' },
      { keyArn: 'arn:aws:kms:us-east-1:000000000000:alias/mine' },
      { keyArn: `${genuine.keyArn}\n` },
      { keyArn: 'x'.repeat(10_000) },
    ]) {
      await assert.rejects(openBody({ ...entry, sealed: { ...genuine, ...altered } }), { code: 'ENTRY_MALFORMED' })
    }
    assert.equal(asked.length, 0)
  })

  test('does not hold an integrity failure against other entries of the key', async () => {
    const { openBody, sealed, refuse } = setup()
    refuse(new KmsIntegrityError('not genuine'))
    await assert.rejects(openBody(sealed('x')), { code: 'KMS_INTEGRITY' })
    refuse(undefined)
    assert.equal(await openBody(sealed('y')), 'y')
  })

  test('refuses a body that is no envelope', async () => {
    const { openBody, sealed } = setup()
    await assert.rejects(openBody({ ...sealed('x'), body: Buffer.from('plain') }), { code: 'ENVELOPE_MALFORMED' })
  })
})

function entry(o: Partial<Entry> = {}): Entry {
  return {
    kind: 'message',
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    incarnation: 'a'.repeat(32),
    messageId: '00000000-0000-4000-8000-000000000001',
    principal: 'arn:aws:iam::000000000000:user/publisher',
    acceptedAt: 1,
    attributes: [{ name: 'a', dataType: 'String', value: 'b' }],
    body: Buffer.alloc(0),
    ...o,
  }
}

function refusedOf({ sealed, topicArn, principal }: Entry) {
  assert.ok(sealed)
  return { ...sealed, topicArn, principal }
}

const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  alarm: () => undefined,
  flush: () => undefined,
}

function setup() {
  const clock = createFakeClock()
  const dataKey = deriveDataKey(randomBytes(16), randomBytes(32))
  const asked: unknown[] = []
  let refusal: Error | undefined
  let later: PromiseWithResolvers<void> | undefined
  let isHeld = false
  const openingKeys = {
    async obtain(o: unknown) {
      asked.push(o)
      await later?.promise
      if (refusal !== undefined) throw refusal
      return dataKey
    },
    find: () => (isHeld ? dataKey : undefined),
    count: () => 0,
  }
  const watch = createKeyWatch({ openingKeys, clock, intervalMs: 30_000, log: silentLog })
  return {
    openBody: createOpenBody({ openingKeys, keyWatch: watch }),
    asked,
    watch,
    hold() {
      isHeld = true
    },
    answerLater() {
      const answer = Promise.withResolvers<void>()
      later = answer
      return (error: Error) => answer.reject(error)
    },
    refuse(error: Error | undefined) {
      refusal = error
    },
    sealed(text: string, o: Partial<Entry> = {}): Entry {
      const plain = entry(o)
      const { topicArn, messageId, principal, attributes, acceptedAt, subject } = plain
      const header = { attributes, acceptedAt, ...(subject !== undefined && { subject }) }
      return {
        ...plain,
        body: seal(Buffer.from(text), { dataKey, context: { topicArn, messageId, principal, header } }),
        sealed: { encryptedDataKey: Buffer.from('edk'), keyArn: KEY },
      }
    },
  }
}
