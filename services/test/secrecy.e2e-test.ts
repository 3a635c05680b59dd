/**
 * What was sealed is nowhere in clear, and no data key is anywhere at all: not in Redis's files, not in any log, not
 * in any metric, not in any answer, in none of the forms of secret-forms.ts.
 *
 * The data keys are the true ones: KMS decrypts for the test every encrypted data key that Redis was ever given.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DecryptCommand, DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { deriveDataKey } from '#shared/envelope'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { startRedisAttacker } from './redis-attacker.ts'
import { findSecrets, type Searched, type Secret } from './secret-forms.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('a stack', () => {
  test('shows no sealed body and no data key to whoever reads all that it writes', async (t) => {
    await using stack = await startStack({
      env: { SEALCAST_RETRY_SECOND_MS: '5', SEALCAST_DATA_KEY_REUSE_SECONDS: '1', SEALCAST_GATEWAYS: '2' },
    })
    trustStack(stack)
    const sns = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    const kms = kmsClient(stack)
    const attacker = await startRedisAttacker(stack)
    // Otherwise what lies in a dump might not be found in it.
    await attacker.redis.config('SET', 'rdbcompression', 'no')
    const keyArn = await createKey(kms)
    const sealed = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const plain = await createTopic(sns)
    const bodies: string[] = []
    const newBody = (what: string) => {
      const body = `${what} "${randomBytes(12).toString('hex')}"\n\\ünïcode & more=+/`
      bodies.push(body)
      return body
    }
    const answers: string[] = []
    const refused = async (name: string, publishing: Promise<unknown>) => {
      const error: unknown = await publishing.then(
        () => assert.fail('it was accepted'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof Error)
      assert.match(error.name, new RegExp(name))
      answers.push(`${error.name} ${error.message} ${JSON.stringify(error)}`)
    }

    // A third goes through at once, a third is tried again, a third fails for good.
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn: sealed })
    subscriber.answer = (request, response) => {
      const n = bodies.indexOf(request.json.Message ?? '')
      const earlier = subscriber.received.filter(({ json }) => json.Message === request.json.Message).length
      response.writeHead(n % 3 === 0 || (n % 3 === 1 && earlier > 1) ? 200 : 500).end()
    }
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 10 }, () => publish(sns, sealed, newBody('single'))))
      const entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, Message: newBody('batch') }))
      await sns.send(new PublishBatchCommand({ TopicArn: sealed, PublishBatchRequestEntries: entries }))
      // The next round is sealed with another data key.
      await sleep(1_100)
    }
    const delivered = bodies.length
    await subscriber.until((received) => new Set(received.map(({ json }) => json.Message)).size > delivered)

    // Quarantined: an entry with a bit of its body flipped.
    const genuine = await attacker.copyMessage({ sns, topicArn: sealed, subscriber, message: newBody('copied') })
    const flipped = Buffer.from(genuine.get('body') ?? [])
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 20) ^ 1, flipped.length - 20)
    const partition = attacker.partitionOf(sealed)
    const forged = await attacker.addEntries(partition, [new Map([...genuine, ['body', flipped]])])
    await attacker.quarantineReasons(partition, forged)

    // Refused by the gateway, and held by the worker, which was stopped until the key was disabled.
    const subject = 'x'.repeat(200)
    await refused(
      'InvalidParameter',
      sns.send(new PublishCommand({ TopicArn: sealed, Message: newBody('invalid'), Subject: subject })),
    )
    stack.signal('delivery', 'SIGSTOP')
    await sleep(1_100)
    await publish(sns, sealed, newBody('held'))
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    await sleep(1_100)
    stack.signal('delivery', 'SIGCONT')
    await refused('KMSDisabled', publish(sns, sealed, newBody('disabled')))
    await kms.send(new EnableKeyCommand({ KeyId: keyArn }))

    // While the KMS is down, and around the death of a gateway and of the worker.
    const restarted = stack.killAndWaitForRestart('kms')
    await refused(
      'InternalError|ServiceUnavailable',
      publish(sns, await createTopic(sns, { KmsMasterKeyId: keyArn }), newBody('down')),
    )
    await restarted
    for (const name of ['gateway', 'gateway-2', 'delivery'] as const) {
      const dying = stack.killAndWaitForRestart(name)
      await publish(sns, sealed, newBody('dying')).catch((error: Error) => answers.push(String(error)))
      await dying
    }

    const control = newBody('control')
    bodies.pop()
    await publish(sns, plain, control)
    const controlKey = randomBytes(32)
    await attacker.redis.set('control', controlKey)
    await attacker.redis.set('control-text', controlKey.toString('base64'))
    const dataKeys = await trueDataKeys(stack, kms)
    await attacker.redis.save()
    const metrics = await readMetrics(stack)
    await attacker[Symbol.asyncDispose]()
    for (const client of [sns, kms]) client.destroy()
    assert.equal(await stack.stop(), 0)

    const searched: Searched[] = [
      ...(await writtenFiles(stack)),
      ...metrics.map((text, at) => ({ name: `metrics ${at}`, bytes: Buffer.from(text) })),
      { name: 'answers', bytes: Buffer.from(answers.join('\n')) },
      { name: 'the terminal', bytes: Buffer.from(stack.output()) },
    ]
    const bodySecrets = bodies.map((body, n) => ({ name: `body ${n}`, bytes: Buffer.from(body) }))
    // What identifies each body is no text that any encoding of text changes.
    const cores = bodies.map((body, n) => ({
      name: `core of ${n}`,
      bytes: Buffer.from(/"(\w+)"/.exec(body)?.[1] ?? ''),
    }))
    assert.deepEqual(findSecrets([...bodySecrets, ...cores, ...dataKeys, ...(await ownSecrets(stack))], searched), [])

    // The same search finds what is there to be found: in the log of Redis's commands and in its dump.
    const found = findSecrets(
      [
        { name: 'body', bytes: Buffer.from(control) },
        { name: 'key', bytes: controlKey },
      ],
      searched,
    )
    for (const expected of [
      /^body as its bytes in redis\/.*aof$/,
      /^key as its bytes in redis\/.*aof$/,
      /^key as its bytes in redis\/.*rdb$/,
      /^key as base64, shifted by 0 in redis\/.*rdb$/,
    ]) {
      assert.ok(
        found.some((line) => expected.test(line)),
        `${expected} of ${found.join('; ')}`,
      )
    }
    assert.ok(dataKeys.length >= 8, `${dataKeys.length} keys`)
    assert.ok(searched.some(({ name }) => name === 'logs/gateway-2.log'))
    t.diagnostic(`${bodies.length} bodies, ${dataKeys.length} keys in ${searched.map(({ name }) => name).join(', ')}`)
  })
})

/** Plaintexts of all data keys that Redis ever stored for gateways, and the keys derived from them. */
async function trueDataKeys(stack: Stack, kms: KMSClient): Promise<Secret[]> {
  const files = await filesBelow(stack, /\/redis\//)
  const records = files.flatMap(({ bytes }) =>
    Array.from(
      bytes
        .toString('latin1')
        .matchAll(
          /"topicArn":"([^"]+)"[^{}]*(?:\{[^{}]*\})?[^{}]*"dataKeyId":"([0-9a-f]{32})","encryptedDataKey":"([^"]+)"/g,
        ),
      ([, topicArn = '', dataKeyId = '', encryptedDataKey = '']) => ({ topicArn, dataKeyId, encryptedDataKey }),
    ),
  )
  const distinct = new Map(records.map((record) => [record.dataKeyId, record]))
  const secrets = []
  for (const { topicArn, dataKeyId, encryptedDataKey } of distinct.values()) {
    const { Plaintext: plaintext = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        CiphertextBlob: Buffer.from(encryptedDataKey, 'base64'),
        EncryptionContext: { 'aws:sns:topicArn': topicArn },
      }),
    )
    const { encryptionKey } = deriveDataKey(Buffer.from(dataKeyId, 'hex'), plaintext)
    secrets.push({ name: `data key ${dataKeyId}`, bytes: Buffer.from(plaintext) })
    secrets.push({ name: `encryption key of ${dataKeyId}`, bytes: encryptionKey.export() })
  }
  return secrets
}

/** The administrator's secret access key and what lies in the folder of secrets. */
async function ownSecrets(stack: Stack): Promise<Secret[]> {
  const files = await filesBelow(stack, /\/secrets\//)
  const values = files.flatMap(({ bytes }) =>
    Array.from(bytes.toString('utf8').matchAll(/"secret\w*": ?"([^"]{16,})"/g), ([, value = '']) => value),
  )
  assert.ok(values.length > 0)
  return [stack.clientConfig.credentials.secretAccessKey, ...values].map((value, n) => ({
    name: `secret ${n}`,
    bytes: Buffer.from(value),
  }))
}

/** All files that processes of the stack write while they run; keys and certificates are made before. */
function writtenFiles(stack: Stack): Promise<Searched[]> {
  return filesBelow(stack, /\/(redis|logs|run)\//)
}

async function filesBelow({ home }: Stack, which: RegExp): Promise<Searched[]> {
  const files = (await readdir(home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => which.test(path))
  return Promise.all(paths.map(async (path) => ({ name: path.slice(home.length + 1), bytes: await readFile(path) })))
}
