import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { CreateKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { CreateTopicCommand, ListTopicsCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { isAlive, readPids, startStack } from './start-stack.ts'
import { startTestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

const root = dirname(dirname(import.meta.dirname))
/** The promise of the README's first command, once dependencies are installed. */
const READY_WITHIN_MS = 10_000

suite('npm run up', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`stops every process it started on ${signal}, and removes env`, async (t) => {
      const { home, npm, ended, output } = startNpm(t)
      // On an empty data directory, keys and certificates made on the way.
      await until('it is ready', () => existsSync(join(home, 'env')) || npm.exitCode !== null, READY_WITHIN_MS)
      const pids = [...descendantsOf(npm.pid ?? 0), ...Object.values(readPids(home))].filter((pid) => pid !== undefined)
      // npm, the bootstrap, up, and its four.
      assert.ok(new Set(pids).size >= 6, output())
      npm.kill(signal)
      await ended
      await until(`nothing is left of ${pids.join(', ')}`, () => !pids.some(isAlive), 20_000)
      assert.equal(existsSync(join(home, 'env')), false)
      assert.deepEqual(readPids(home), {})
      assert.match(output(), /redis +stopped/)
    })
  }

  test('stops every process when the terminal sends Ctrl-C to the whole group', async (t) => {
    const { home, npm, ended } = startNpm(t, { detached: true })
    await until('env is there', () => existsSync(join(home, 'env')) || npm.exitCode !== null)
    const pids = [...descendantsOf(npm.pid ?? 0), ...Object.values(readPids(home))].filter((pid) => pid !== undefined)
    process.kill(-(npm.pid ?? 0), 'SIGINT')
    await ended
    await until(`nothing is left of ${pids.join(', ')}`, () => !pids.some(isAlive), 20_000)
    assert.equal(existsSync(join(home, 'env')), false)
  })
})

suite('up', () => {
  test('a second one on the same data directory says so, ends with 1 and disturbs nothing', async () => {
    await using stack = await startStack()
    const pids = readPids(stack.home)
    const second = await run(['services/up/main.ts'], { SEALCAST_HOME: stack.home })
    assert.equal(second.code, 1)
    assert.match(second.stderr, new RegExp(`pid ${stack.supervisorPid}\\b`))
    assert.ok(existsSync(join(stack.home, 'env')))
    assert.deepEqual(readPids(stack.home), pids)
  })

  test('env names a bundle that trusts the gateway and holds the roots of the system', async () => {
    await using stack = await startStack()
    const bundle = readFileSync(stack.env.AWS_CA_BUNDLE ?? '', 'utf8')
    const status = await new Promise<number>((resolve, reject) => {
      request(stack.clientConfig.endpoint, { ca: bundle }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
    assert.ok(status >= 400 && status < 500, String(status))
    assert.ok((bundle.match(/BEGIN CERTIFICATE/g) ?? []).length > 10)
  })

  test('comes back with the same topics, keys, principals and undelivered messages', async () => {
    await using stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '200' } })
    const authority = {
      certificatePem: stack.ca,
      privateKeyPem: readFileSync(join(stack.home, 'tls/ca.key.pem'), 'utf8'),
    }
    await using subscriber = await startTestSubscriber({ authority })
    const before = clients(stack)
    const { KeyMetadata: key } = await before.kms.send(new CreateKeyCommand({}))
    const { TopicArn: topicArn = '' } = await before.sns.send(
      new CreateTopicCommand({ Name: 'orders', Attributes: { KmsMasterKeyId: key?.KeyId ?? '' } }),
    )
    await before.sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: subscriber.url }))
    const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
    assert.equal(await visit(confirmation?.json.SubscribeURL ?? '', stack.ca), 200)
    subscriber.answer = (_request, response) => response.writeHead(503).end()
    const { MessageId: messageId } = await before.sns.send(
      new PublishCommand({ TopicArn: topicArn, Message: 'three crates' }),
    )
    await subscriber.receive('Notification', 1)
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = stack.env

    assert.equal(await stack.stop('SIGTERM'), 0)
    const attemptsBefore = subscriber.received.length
    subscriber.answer = (_request, response) => response.writeHead(200).end()
    await stack.start()

    assert.deepEqual([stack.env.AWS_ACCESS_KEY_ID, stack.env.AWS_SECRET_ACCESS_KEY], [accessKeyId, secretAccessKey])
    const after = clients(stack)
    const { Topics: topics = [] } = await after.sns.send(new ListTopicsCommand({}))
    assert.deepEqual(
      topics.map((topic) => topic.TopicArn),
      [topicArn],
    )
    const { Keys: keys = [] } = await after.kms.send(new ListKeysCommand({}))
    assert.ok(keys.some(({ KeyId }) => KeyId === key?.KeyId))
    await subscriber.until((received) => received.length > attemptsBefore)
    const last = subscriber.received.at(-1)
    assert.equal(last?.json.MessageId, messageId)
    assert.equal(last?.json.Message, 'three crates')
  })

  test('warns of a secret that had gone, and of none at the first start', async () => {
    await using stack = await startStack()
    assert.doesNotMatch(stack.output(), /WARNING/)
    assert.equal(await stack.stop('SIGTERM'), 0)
    rmSync(join(stack.home, 'secrets/token.json'))
    await stack.start()
    assert.match(stack.output(), /WARNING: secrets\/token\.json had gone/)
  })

  test('its processes stop when it is killed, and the next one starts on the same data', async () => {
    await using stack = await startStack()
    const pids = Object.values(readPids(stack.home)).filter((pid) => pid !== undefined)
    await clients(stack).sns.send(new CreateTopicCommand({ Name: 'kept' }))
    assert.equal(await stack.stop('SIGKILL'), 'SIGKILL')
    // At once, while the old services may still be stopping and the old Redis certainly runs.
    await stack.start()
    assert.deepEqual(pids.filter(isAlive), [])
    assert.match(stack.output(), /ended what an earlier/)
    const { Topics: topics = [] } = await clients(stack).sns.send(new ListTopicsCommand({}))
    assert.equal(topics.length, 1)
  })

  test('starts a killed process again on the same port', async () => {
    await using stack = await startStack()
    for (const name of ['gateway', 'kms', 'delivery', 'redis'] as const) {
      const pid = stack.pidOf(name)
      await stack.killAndWaitForRestart(name)
      assert.notEqual(stack.pidOf(name), pid)
    }
    const { TopicArn: topicArn = '' } = await clients(stack).sns.send(new CreateTopicCommand({ Name: 'still-there' }))
    assert.match(topicArn, /:still-there$/)
  })
})

function clients(stack: Awaited<ReturnType<typeof startStack>>) {
  const { region, credentials } = stack.clientConfig
  return {
    // A gateway may need half a second to find a Redis that has just come back.
    sns: new SNSClient({ ...stack.clientConfig, maxAttempts: 8 }),
    kms: new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '' }),
  }
}

function visit(url: string, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { ca, method: 'GET' }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

function startNpm(t: TestContext, { detached = false }: { detached?: boolean } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-npm-up-'))
  const ports = ['GATEWAY', 'KMS', 'KMS_ADMIN', 'REDIS', 'METRICS'].map((name) => [`SEALCAST_${name}_PORT`, '0'])
  const npm = spawn('npm', ['run', 'up'], {
    cwd: root,
    env: { ...process.env, ...Object.fromEntries(ports), SEALCAST_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached,
  })
  let text = ''
  npm.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  t.after(() => {
    for (const pid of [...descendantsOf(npm.pid ?? 0), ...Object.values(readPids(home))]) {
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
    rmSync(home, { recursive: true, force: true })
  })
  const ended = new Promise<void>((resolve) => npm.once('exit', () => resolve()))
  return { home, npm, ended, output: () => text }
}

/** With the process itself; what had its parent end is not found, so this is asked while all run. */
function descendantsOf(pid: number): number[] {
  if (pid === 0 || !isAlive(pid)) return []
  const pairs = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const found = [pid]
  for (const parent of found) {
    for (const [child, its] of pairs) if (child !== undefined && its === parent) found.push(child)
  }
  return found
}

function run(args: string[], env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, env: { ...process.env, ...env } }, (error, _stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stderr })
    })
  })
}
