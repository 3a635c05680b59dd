import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { createKeyDesk, nameOfDataKey } from './key-desk.ts'

const key = createSecretKey(Buffer.alloc(32, 1))
const other = createSecretKey(Buffer.alloc(32, 2))

suite('createKeyDesk()', () => {
  test('has the first who asks fetch the key, and gives it to all who ask meanwhile and later', async () => {
    const { desk } = setup()
    assert.equal(await desk.find('a'), undefined)
    const waiting = [desk.find('a'), desk.find('a')]
    await desk.bring('a', key)
    assert.deepEqual(await Promise.all(waiting), [key, key])
    assert.equal(await desk.find('a'), key)
  })

  test('keeps names apart', async () => {
    const { desk } = setup()
    await desk.bring('a', key)
    assert.equal(await desk.find('b'), undefined)
    await desk.bring('b', other)
    assert.equal(await desk.find('a'), key)
    assert.equal(await desk.find('b'), other)
  })

  test('has the next who waits fetch what another gave up on, one at a time', async () => {
    const { desk } = setup()
    await desk.find('a')
    const second = desk.find('a')
    const third = desk.find('a')
    desk.giveUp('a')
    assert.equal(await second, undefined)
    let isThirdDone = false
    third.then(() => {
      isThirdDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isThirdDone, false)
    await desk.bring('a', key)
    assert.equal(await third, key)
  })

  test('has whoever comes after all gave up fetch it anew', async () => {
    const { desk } = setup()
    await desk.find('a')
    desk.giveUp('a')
    assert.equal(await desk.find('a'), undefined)
  })

  test('keeps a key for the reuse period and no longer, whoever asks for it', async () => {
    const { desk, pass } = setup({ keepMs: 1_000 })
    await desk.bring('a', key)
    pass(600)
    await desk.bring('b', other)
    pass(399)
    assert.equal(await desk.find('a'), key)
    pass(1)
    assert.equal(await desk.find('a'), undefined)
    assert.equal(await desk.find('b'), other)
    pass(600)
    assert.equal(await desk.find('b'), undefined)
  })

  test('holds 10,000 keys, and of more the latest', async () => {
    const { desk } = setup()
    for (let n = 0; n <= 10_000; n++) await desk.bring(String(n), key)
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
