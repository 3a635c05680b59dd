import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createKeyDesk, type KeyDesk, nameOfDataKey } from './key-desk.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const other = createSecretKey(Buffer.alloc(32, 2))

suite('createKeyDesk()', () => {
  test('has the first who asks fetch the key, and gives it to all who ask meanwhile and later', async () => {
    const { desk } = setup()
    assert.equal(await desk.find('a'), undefined)
    const waiting = [desk.find('a'), desk.find('a')]
    await desk.bring('a', key, 300_000)
    assert.deepEqual(await Promise.all(waiting), [key, key])
    assert.equal(await desk.find('a'), key)
  })

  test('keeps names apart', async () => {
    const { desk } = setup()
    await desk.bring('a', key, 300_000)
    assert.equal(await desk.find('b'), undefined)
    await desk.bring('b', other, 300_000)
    assert.equal(await desk.find('a'), key)
    assert.equal(await desk.find('b'), other)
  })

  test('has all who wait fetch what another gave up on, and none of them wait for one another', async () => {
    const { desk } = setup()
    await desk.find('a')
    const waiting = [desk.find('a'), desk.find('a')]
    desk.giveUp('a')
    assert.deepEqual(await Promise.all(waiting), [undefined, undefined])
    await desk.bring('a', key, 300_000)
    desk.giveUp('a')
    assert.equal(await desk.find('a'), key)
  })

  test('has whoever comes after all gave up fetch it anew', async () => {
    const { desk } = setup()
    await desk.find('a')
    desk.giveUp('a')
    assert.equal(await desk.find('a'), undefined)
  })

  test('keeps a key for the reuse period and no longer, whoever asks for it', async () => {
    const { desk, pass } = setup({ keepMs: 1_000 })
    await desk.bring('a', key, 300_000)
    pass(600)
    await desk.bring('b', other, 300_000)
    pass(399)
    assert.equal(await desk.find('a'), key)
    pass(1)
    assert.equal(await desk.find('a'), undefined)
    assert.equal(await desk.find('b'), other)
    pass(600)
    assert.equal(await desk.find('b'), undefined)
  })

  test('keeps a key no longer than anything may be sealed with it', async () => {
    const { desk, pass } = setup({ keepMs: 1_000 })
    await desk.bring('a', key, 100)
    await desk.bring('b', other, 5_000)
    pass(100)
    assert.equal(await desk.find('a'), undefined)
    pass(899)
    assert.equal(await desk.find('b'), other)
    pass(1)
    assert.equal(await desk.find('b'), undefined)
  })

  test('lets go of keys that have ended though nobody asks for any', async () => {
    const { desk, pass } = setup({ keepMs: 1_000 })
    const brought = await bringOne(desk)
    pass(1_000)
    setFlagsFromString('--expose-gc')
    const gc: unknown = runInNewContext('gc')
    assert.ok(typeof gc === 'function')
    const isThere = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      gc()
      return brought.deref() !== undefined
    }
    assert.equal(await isThere(), true)
    desk.dropEnded()
    assert.equal(await isThere(), false)
  })

  test('holds 10,000 keys, and of more the latest', async () => {
    const { desk } = setup()
    for (let n = 0; n <= 10_000; n++) await desk.bring(String(n), key, 300_000)
    assert.equal(await desk.find('0'), undefined)
    assert.equal(await desk.find('1'), key)
    assert.equal(await desk.find('10000'), key)
  })
})

suite('nameOfDataKey()', () => {
  const whole = { encryptedDataKey: Buffer.alloc(184, 1), keyArn: 'k', topicArn: 't', principal: 'p' }

  test('differs with each of its parts', () => {
    const names = [
      whole,
      { ...whole, encryptedDataKey: Buffer.alloc(184, 2) },
      { ...whole, keyArn: 'k2' },
      { ...whole, topicArn: 't2' },
      { ...whole, principal: 'p2' },
      { ...whole, topicArn: 'tp', principal: '' },
    ].map(nameOfDataKey)
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^[0-9a-f]{64}$/)
  })
})

function setup({ keepMs = 300_000 }: { keepMs?: number } = {}) {
  let now = 5
  return {
    desk: createKeyDesk({ keepMs, passed: () => now }),
    pass(ms: number) {
      now += ms
    },
  }
}

async function bringOne(desk: KeyDesk): Promise<WeakRef<object>> {
  const one = createSecretKey(Buffer.alloc(32, 3))
  await desk.bring('one', one, 1_000)
  return new WeakRef(one)
}
