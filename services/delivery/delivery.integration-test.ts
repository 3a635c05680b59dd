import assert from 'node:assert/strict'
import { createHash, verify, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets, readTokenSecrets } from '#shared/secrets'
import { readConfirmationToken } from '#shared/sns-wire'
import { encodeEntry, keys, partitionOf } from '#shared/stream-log'
import { createWorkerStage, PARTITIONS, type Received, signingCertificate } from './testing/worker-stage.ts'

suite('the delivery worker', () => {
  for (const [version, digest] of [
    ['1', 'sha1'],
    ['2', 'sha256'],
  ] as const) {
    test(`delivers a Notification with SNS's fields, headers and a signature of version ${version}`, async () => {
      await using stage = await createWorkerStage()
      const topic = await stage.createTopic('orders', { signatureVersion: version })
      const { id } = await stage.subscribe(topic, '/hook?a=1')
      await using worker = await stage.startWorker()
      const entry = await stage.publish(topic, 'héllo "world"\n', {
        subject: 'Order',
        attributes: [{ name: 'kind', dataType: 'String', value: 'new' }],
      })
      await stage.until(() => stage.received.length === 1)
      const [{ path, headers, body }] = stage.received as [Received]
      assert.equal(path, '/hook?a=1')
      assert.equal(headers['x-amz-sns-message-type'], 'Notification')
      assert.equal(headers['x-amz-sns-message-id'], entry.messageId)
      assert.equal(headers['x-amz-sns-topic-arn'], topic.arn)
      assert.equal(headers['x-amz-sns-subscription-arn'], `${topic.arn}:${id}`)
      assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
      const fields = JSON.parse(body) as Record<string, string>
      assert.deepEqual(Object.keys(fields), [
        'Type',
        'MessageId',
        'TopicArn',
        'Subject',
        'Message',
        'Timestamp',
        'SignatureVersion',
        'Signature',
        'SigningCertURL',
        'UnsubscribeURL',
        'MessageAttributes',
      ])
      assert.equal(fields.Message, 'héllo "world"\n')
      assert.equal(fields.SignatureVersion, version)
      assert.equal(
        fields.UnsubscribeURL,
        `https://broker.test:4443/?Action=Unsubscribe&SubscriptionArn=${topic.arn}:${id}`,
      )
      const signed = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
        .map((name) => `${name}\n${fields[name]}\n`)
        .join('')
      const certificate = new X509Certificate(await signingCertificate(stage.secretsDir, fields.SigningCertURL ?? ''))
      assert.ok(
        verify(digest, Buffer.from(signed), certificate.publicKey, Buffer.from(fields.Signature ?? '', 'base64')),
      )
      await stage.until(async () => (await stage.leftovers()).length === 0)
      assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="delivered"}'), 1)
      assert.equal(await worker.metric('sealcast_end_to_end_seconds_count'), 1)
    })
  }

  test('tries again after failures of the endpoint, and counts each attempt', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/flaky')
    await stage.subscribe(topic, '/fine')
    const answers = [503, 429, 200]
    stage.answer((request, response) => {
      response.statusCode = request.path === '/flaky' ? (answers.shift() ?? 200) : 200
      response.end()
    })
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(() => stage.received.length === 4)
    await stage.until(async () => (await stage.leftovers()).length === 0)
    assert.equal(stage.received.filter(({ path }) => path === '/fine').length, 1)
    const flaky = stage.received.filter(({ path }) => path === '/flaky')
    assert.equal(new Set(flaky.map(({ body }) => body)).size, 1, 'every attempt sends the same')
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="retry"}'), 2)
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="delivered"}'), 2)
    // The default policy is backoff from its first retry.
    assert.equal(await worker.metric('sealcast_retries_scheduled_total{phase="backoff"}'), 2)
    assert.equal(await worker.metric('sealcast_retries_scheduled_total{phase="immediate"}'), 0)
    const { host } = flaky[0]?.headers ?? {}
    assert.ok((await worker.metric(`sealcast_slowest_endpoint_seconds{host="${host}"}`)) > 0)
    await worker.stop()
    const attempts = worker.log.filter(({ event }) => event === 'delivery.attempted')
    assert.deepEqual(
      attempts.filter(({ outcome }) => outcome === 'retry').map(({ attempt, statusCode }) => [attempt, statusCode]),
      [
        [1, 503],
        [2, 429],
      ],
    )
  })

  test('gives up after the first attempt and three retries', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/broken')
    stage.answer((_request, response) => void response.writeHead(500).end())
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(async () => (await worker.metric('sealcast_notifications_failed_total')) === 1)
    await stage.until(async () => (await stage.leftovers()).length === 0)
    assert.equal(stage.received.length, 4)
  })

  test('does not retry a final answer, and follows no redirect', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/gone')
    await stage.subscribe(topic, '/moved')
    stage.answer((request, response) => {
      if (request.path === '/gone') response.writeHead(404).end()
      else response.writeHead(302, { location: '/elsewhere' }).end()
    })
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(async () => (await worker.metric('sealcast_notifications_failed_total')) === 2)
    await stage.until(async () => (await stage.leftovers()).length === 0)
    assert.deepEqual(stage.received.map(({ path }) => path).toSorted(), ['/gone', '/moved'])
  })

  test('delivers nothing to an endpoint whose certificate it cannot check', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/hook')
    await using worker = await stage.startWorker({ SEALCAST_SUBSCRIBER_CA_FILE: '' })
    await stage.publish(topic, 'x')
    await stage.until(async () => (await worker.metric('sealcast_notifications_failed_total')) === 1)
    assert.equal(stage.received.length, 0)
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="retry"}'), 3)
  })

  test('sends confirmations with a token that the gateway accepts', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    const pending = await stage.subscribe(topic, '/new', { state: 'pending' })
    const deleted = await stage.subscribe(topic, '/old', { state: 'deleted' })
    await using _worker = await stage.startWorker()
    for (const [subscription, purpose] of [
      [pending, 'subscribe'],
      [deleted, 'unsubscribe'],
    ] as const) {
      await stage.publish(topic, '', {
        kind: 'confirmation',
        confirmation: { subscriptionId: subscription.id, purpose },
      })
    }
    await stage.until(() => stage.received.length === 2)
    const ring = await readTokenSecrets(stage.secretsDir)
    for (const [path, type, id] of [
      ['/new', 'SubscriptionConfirmation', pending.id],
      ['/old', 'UnsubscribeConfirmation', deleted.id],
    ] as const) {
      const one = stage.received.find((request) => request.path === path)
      const fields = JSON.parse(one?.body ?? '{}') as Record<string, string>
      assert.equal(fields.Type, type)
      assert.equal(one?.headers['x-amz-sns-message-type'], type)
      assert.equal(
        fields.SubscribeURL,
        `https://broker.test:4443/?Action=ConfirmSubscription&TopicArn=${topic.arn}&Token=${fields.Token}`,
      )
      const read = readConfirmationToken(fields.Token, {
        ring,
        topicArn: topic.arn,
        incarnation: topic.incarnation,
        now: Date.now(),
      })
      assert.equal(read.subscriptionId, id)
    }
    await stage.until(async () => (await stage.leftovers()).length === 0)
  })

  test('serves a subscription from the first message published after it was made', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/0')
    await using _worker = await stage.startWorker()
    for (let n = 1; n <= 20; n++) {
      await stage.subscribe(topic, `/${n}`)
      const { messageId } = await stage.publish(topic, String(n))
      await stage.until(
        () => stage.received.filter(({ headers }) => headers['x-amz-sns-message-id'] === messageId).length === n + 1,
      )
    }
  })

  test('reads the version of a topic behind the claim of its entries, on the same connection', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/')
    await using _worker = await stage.startWorker()
    await stage.publish(topic, 'to be at rest afterwards')
    await stage.until(async () => (await stage.leftovers()).length === 0)
    await using seen = await stage.watchCommands()
    await stage.publish(topic, 'words')
    await stage.until(async () => stage.received.length === 2 && (await stage.leftovers()).length === 0)

    const [reading, ...more] = seen.commands.filter(({ args }) => args[0] === 'hget' && args[2] === 'version')
    assert.ok(reading)
    assert.equal(more.length, 0)
    const ofWorker = seen.commands.filter(({ source }) => source === reading.source)
    const before = ofWorker[ofWorker.indexOf(reading) - 1]
    const claimScript = readFileSync(new URL('../../shared/stream-log/claim.lua', import.meta.url))
    assert.deepEqual(before?.args.slice(0, 2), ['evalsha', createHash('sha1').update(claimScript).digest('hex')])
  })

  test('sets a forged entry aside with an alarm and delivers the others', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/hook')
    const entry = await stage.publish(topic, 'before')
    const mac = createRecordMac(await readRecordSecrets(stage.secretsDir))
    const forged = encodeEntry({ ...entry, body: Buffer.from('genuine words') }, mac).map((part) =>
      part.toString() === 'genuine words' ? 'forged words' : part,
    )
    const partition = partitionOf(topic.arn, entry.principal, PARTITIONS)
    await stage.client.xadd(keys.streamKey(partition), '*', ...forged)
    await stage.publish(topic, 'after')
    await using worker = await stage.startWorker()
    await stage.until(() => stage.received.length === 2)
    await stage.until(async () => (await stage.leftovers()).length === 1)
    assert.deepEqual(await stage.leftovers(), [keys.quarantineKey(partition)])
    assert.deepEqual(
      stage.received.map(({ body }) => (JSON.parse(body) as Record<string, string>).Message).toSorted(),
      ['after', 'before'],
    )
    assert.equal(await worker.metric('sealcast_entries_quarantined_total{reason="RECORD_FORGED"}'), 1)
    await worker.stop()
    assert.ok(worker.log.some(({ event, alarm }) => event === 'entry.quarantined' && alarm === true))
  })

  test('skips a forged subscription with an alarm and serves the others', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/genuine')
    const { id } = await stage.subscribe(topic, '/forged')
    const key = `sealcast:{t:${topic.arn}}:subscriptions`
    const stored = (await stage.client.hget(key, id)) ?? ''
    await stage.client.hset(key, id, stored.replace('/forged', '/evil00'))
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(async () => stage.received.length === 1 && (await stage.leftovers()).length === 0)
    assert.equal(stage.received[0]?.path, '/genuine')
    assert.equal(await worker.metric('sealcast_records_forged_total{kind="subscription"}'), 1)
  })

  test('waits while a topic record is forged, and delivers once it is genuine again', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/hook')
    const key = `sealcast:{t:${topic.arn}}:topic`
    const genuine = await stage.client.hgetall(key)
    await stage.client.hset(key, 'record', (genuine.record ?? '').replace('"owner":"0', '"owner":"1'))
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(
      async () => (await worker.metric('sealcast_entries_held_total{reason="TOPIC_RECORD_FORGED"}')) === 1,
    )
    assert.deepEqual(await stage.leftovers(), ['1 entries'])
    await stage.client.hset(key, genuine)
    await stage.until(async () => stage.received.length === 1 && (await stage.leftovers()).length === 0)
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="retry"}'), 0)
  })

  test('drops entries of a deleted topic and of its earlier incarnation', async () => {
    await using stage = await createWorkerStage()
    const earlier = await stage.createTopic('orders')
    await stage.publish(earlier, 'to the first')
    await stage.catalog.deleteTopic(earlier.arn)
    const gone = await stage.createTopic('gone')
    await stage.publish(gone, 'to nobody')
    await stage.catalog.deleteTopic(gone.arn)
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/hook')
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'to the second')
    await stage.until(async () => stage.received.length === 1 && (await stage.leftovers()).length === 0)
    assert.match(stage.received[0]?.body ?? '', /to the second/)
    assert.equal(await worker.metric('sealcast_deliveries_dropped_total{reason="topic"}'), 2)
  })

  test('works on one Redis in cluster mode', async () => {
    await using stage = await createWorkerStage({ cluster: true })
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/hook')
    const answers = [500, 200]
    stage.answer((_request, response) => void response.writeHead(answers.shift() ?? 200).end())
    await using _worker = await stage.startWorker()
    await stage.publish(topic, 'x')
    await stage.until(async () => stage.received.length === 2 && (await stage.leftovers()).length === 0)
  })

  test('logs no body, no endpoint path and no credentials', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    const { endpoint } = await stage.subscribe(topic, '/secret-path?token=abc')
    await stage.subscribe(topic, '/login', { endpoint: endpoint.replace('https://', 'https://user:hunter2@') })
    stage.answer((_request, response) => void response.writeHead(500).end())
    await using worker = await stage.startWorker()
    await stage.publish(topic, 'the words of the body', { subject: 'S' })
    await stage.until(async () => (await worker.metric('sealcast_notifications_failed_total')) === 2)
    await worker.stop()
    const text = JSON.stringify(worker.log)
    for (const secret of ['words of the body', 'secret-path', 'abc"', 'hunter2'])
      assert.ok(!text.includes(secret), secret)
    assert.ok(worker.log.some(({ endpointHost }) => String(endpointHost).startsWith('127.0.0.1:')))
  })
})
