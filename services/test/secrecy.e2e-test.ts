/** What was sealed is nowhere in clear: not in Redis's files, not in any log, not in any metric. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { startStack } from './start-stack.ts'

suite('the data directory', () => {
  test('holds no sealed body in clear, delivered, retried or given up', async (t) => {
    await using stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '5' } })
    trustStack(stack)
    const sns = snsClient(stack)
    const kms = kmsClient(stack)
    const keyArn = await createKey(kms)
    const sealed = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const plain = await createTopic(sns)
    const marks = Array.from({ length: 30 }, () => `mark${randomBytes(12).toString('hex')}`)
    const control = `mark${randomBytes(12).toString('hex')}`
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn: sealed })
    // A third goes through at once, a third is tried again, a third fails for good.
    subscriber.answer = (request, response) => {
      const n = marks.indexOf(request.json.Message ?? '')
      const earlier = subscriber.received.filter(({ json }) => json.Message === request.json.Message).length
      response.writeHead(n % 3 === 0 || (n % 3 === 1 && earlier > 1) ? 200 : 500).end()
    }
    await Promise.all(marks.map((mark) => publish(sns, sealed, mark)))
    // Proves that the search would find a body: an unsealed topic's rests in clear.
    await publish(sns, plain, control)
    await subscriber.until((received) => marks.every((mark) => received.some(({ json }) => json.Message === mark)))
    await untilFinished(stack)
    // Both forms of what Redis keeps: the log of commands, and a dump of what is left.
    await redisCli(stack, 'SAVE')

    const secrets = [...marks, stack.clientConfig.credentials.secretAccessKey]
    const files = (await readdir(stack.home, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
    const searched: string[] = []
    let controlSeen = false
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name)
      const isOurs = /\/(redis|logs|run)\//.test(path)
      if (!isOurs) continue
      const content = await readFile(path)
      searched.push(path.slice(stack.home.length + 1))
      controlSeen ||= content.includes(control)
      for (const secret of secrets) assert.ok(!content.includes(secret), `${name} holds a body or secret in clear`)
    }
    for (const text of await readMetrics(stack)) {
      for (const secret of secrets) assert.ok(!text.includes(secret), 'a metric holds a body or secret in clear')
    }
    assert.ok(controlSeen, 'the search finds an unsealed body, so it would find a sealed one')
    assert.ok(searched.some((path) => path.startsWith('redis/')) && searched.some((path) => path.startsWith('logs/')))
    t.diagnostic(`searched ${searched.join(', ')}`)
    sns.destroy()
    kms.destroy()
  })
})
