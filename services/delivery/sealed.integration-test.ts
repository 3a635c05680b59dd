import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createSealedStage } from './testing/sealed-stage.ts'

suite('the delivery worker, with sealed messages', () => {
  test('opens with one Decrypt for a data key and keeps ciphertext in Redis', async () => {
    await using stage = await createSealedStage()
    const topic = await stage.createSealedTopic('orders')
    await stage.subscribe(topic, '/hook')
    for (let n = 0; n < 20; n++) await stage.publishSealed(topic, `the secret words ${n}`)
    assert.ok(!(await stage.redisText()).includes('secret words'))
    await using worker = await stage.startWorker(stage.kmsEnv)
    await stage.until(async () => stage.received.length === 20 && (await stage.leftovers()).length === 0)
    assert.match(stage.received.find(({ body }) => body.includes('words 7'))?.body ?? '', /the secret words 7/)
    assert.equal((await stage.kms.served())['Decrypt ok'], 1)
    assert.equal(
      await worker.metric(
        `sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="deliver",key="${stage.keyArn}"}`,
      ),
      1,
    )
    assert.equal(
      await worker.metric('sealcast_data_key_cache_hits_total'),
      20 - (await worker.metric('sealcast_data_key_cache_misses_total')),
    )
  })

  test('keeps only ciphertext while a retry waits, and opens it again for the retry', async () => {
    await using stage = await createSealedStage()
    const topic = await stage.createSealedTopic('orders')
    await stage.subscribe(topic, '/hook')
    const answers = [503, 200]
    stage.answer((_request, response) => void response.writeHead(answers.shift() ?? 200).end())
    await using _worker = await stage.startWorker({ ...stage.kmsEnv, SEALCAST_RETRY_SECOND_MS: '50' })
    await stage.publishSealed(topic, 'the secret words')
    await stage.until(async () => (await stage.leftovers()).some((key) => key.includes(':body:')))
    assert.ok(!(await stage.redisText()).includes('secret words'))
    await stage.until(async () => stage.received.length === 2 && (await stage.leftovers()).length === 0)
    assert.match(stage.received[1]?.body ?? '', /the secret words/)
  })

  test('holds messages of a disabled key without consuming attempts, and delivers others meanwhile', async () => {
    await using stage = await createSealedStage()
    const topic = await stage.createSealedTopic('orders')
    await stage.subscribe(topic, '/sealed')
    const open = await stage.createTopic('open')
    await stage.subscribe(open, '/open')
    for (let n = 0; n < 5; n++) await stage.publishSealed(topic, `sealed ${n}`)
    await stage.disableKey()
    await using worker = await stage.startWorker(stage.kmsEnv)
    await stage.publish(open, 'open', { principal: stage.publisher })
    await stage.until(() => stage.received.length === 1)
    assert.equal(stage.received[0]?.path, '/open')
    await stage.until(async () => (await worker.metric('sealcast_entries_held_total{reason="KMS_DISABLED"}')) === 5)
    assert.deepEqual((await stage.leftovers()).map((key) => key.replace(/\{.*?\}/, '')).toSorted(), [
      `sealcast::held-keys`,
      `sealcast::held:${stage.keyArn}`,
    ])
    const askedOnce = (await stage.kms.served())['Decrypt DisabledException'] ?? 0
    assert.equal(askedOnce, 1, 'one question for five entries')
    await stage.enableKey()
    await stage.until(async () => stage.received.length === 6 && (await stage.leftovers()).length === 0)
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="retry"}'), 0)
  })

  test('starts before the KMS does', async () => {
    await using stage = await createSealedStage()
    const topic = await stage.createSealedTopic('orders')
    await stage.subscribe(topic, '/hook')
    await stage.publishSealed(topic, 'x')
    await stage.kms.stop()
    await using worker = await stage.startWorker(stage.kmsEnv)
    await stage.until(async () => (await worker.metric('sealcast_entries_held_total{reason="KMS_UNAVAILABLE"}')) === 1)
    await stage.kms.start()
    await stage.until(async () => stage.received.length === 1 && (await stage.leftovers()).length === 0)
  })

  test('quarantines an envelope that was moved to another message', async () => {
    await using stage = await createSealedStage()
    const topic = await stage.createSealedTopic('orders')
    await stage.subscribe(topic, '/hook')
    const entry = await stage.publishSealed(topic, 'x')
    await stage.appender.append({ ...entry, messageId: '00000000-0000-4000-8000-000000000009' })
    await using worker = await stage.startWorker(stage.kmsEnv)
    const series = 'sealcast_entries_quarantined_total{reason="ENVELOPE_AUTHENTICATION_FAILED"}'
    await stage.until(async () => (await worker.metric(series)) === 1 && stage.received.length === 1)
  })
})
