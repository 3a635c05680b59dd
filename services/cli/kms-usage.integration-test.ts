import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock, systemClock } from '#shared/clock'
import { createKmsLedger } from '#shared/kms-ledger'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { runCommand } from './run-command.ts'

const [orders, bills] = ['orders', 'bills'].map((name) => `arn:aws:sns:us-east-1:000000000000:${name}`) as [
  string,
  string,
]
const [alice, bob] = ['alice', 'bob'].map((name) => `arn:aws:iam::000000000000:user/${name}`) as [string, string]
const keyArn = 'arn:aws:kms:us-east-1:000000000000:key/a'
const HOUR = 3_600_000

suite('sealcast kms-usage', () => {
  test('adds the ledger up by topic, publisher, key and purpose, from a time on', async () => {
    await using cli = await setup()
    const now = systemClock.now()
    for (const [topicArn, principal, hoursAgo] of [
      [orders, alice, 0],
      [orders, bob, 30],
      [bills, alice, 0],
      // The month before.
      [bills, alice, 24 * 32],
    ] as const) {
      cli.clock.advance(now - hoursAgo * HOUR - cli.clock.now())
      const issue = { topicArn, principal, operation: 'GenerateDataKey', purpose: 'issue', outcome: 'ok', key: keyArn }
      cli.ledger.record(issue)
      cli.ledger.record({ ...issue, operation: 'Decrypt', purpose: 'deliver' })
    }
    cli.clock.advance(now - cli.clock.now())
    cli.ledger.record({
      topicArn: orders,
      principal: bob,
      operation: 'GenerateDataKey',
      purpose: 'issue',
      outcome: 'KMS_NOT_FOUND',
      key: 'alias/none',
    })
    await cli.ledger.flush()
    for (const [by, since, groups] of [
      ['topic', '40d', { [orders]: 5, [bills]: 4 }],
      ['topic', '3h', { [orders]: 3, [bills]: 2 }],
      ['publisher', '48h', { [alice]: 4, [bob]: 3 }],
      ['key', '3h', { [keyArn]: 4, 'alias/none': 1 }],
      ['purpose', '48h', { issue: 4, deliver: 3 }],
    ] as const) {
      const { code, output } = await cli.run('kms-usage', '--by', by, '--since', since, '--json')
      assert.equal(code, 0)
      const { rows, total } = JSON.parse(output)
      const found = rows.map(({ name, calls }: { name: string; calls: number }) => [name, calls])
      assert.deepEqual(Object.fromEntries(found), groups, `by ${by} since ${since}`)
      assert.equal(
        total.calls,
        Object.values(groups).reduce((sum, calls) => sum + calls, 0),
      )
    }
    const { output } = await cli.run('kms-usage', '--since', '3h')
    assert.match(output, new RegExp(`^${orders} +3 +60\\.0 % +2 +1 +0 +1 +2 +1\\.50 +\\$0\\.000009$`, 'm'))
  })

  test('refuses what is no grouping and no time, with exit code 2 and one line', async () => {
    await using cli = await setup()
    for (const words of [
      ['--by', 'endpoint'],
      ['--since', 'yesterday'],
      ['--since', '2999-01-01'],
    ]) {
      const { code, output, errors } = await cli.run('kms-usage', ...words)
      assert.deepEqual([code, output], [2, ''])
      assert.match(errors, /^[^\n]+\n$/)
    }
  })
})

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const clock = createFakeClock()
  const fail = () => assert.fail('the ledger failed')
  return {
    clock,
    ledger: createKmsLedger({ redis, clock, onLost: fail, onForged: fail }),
    async run(...words: string[]) {
      const written = { output: '', errors: '' }
      const code = await runCommand(words, {
        env: { SEALCAST_REDIS_URL: server.url },
        readStandardInput: async () => '',
        writeOutput: (text) => {
          written.output += text
        },
        writeError: (text) => {
          written.errors += text
        },
      })
      return { code, ...written }
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
