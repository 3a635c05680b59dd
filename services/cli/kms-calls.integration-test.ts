import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { systemClock } from '#shared/clock'
import { createKmsLedger } from '#shared/kms-ledger'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { runCommand } from './run-command.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
const principal = 'arn:aws:iam::000000000000:user/alice'

suite('sealcast kms calls', () => {
  test('prints what is in the ledger, as a table or as JSON', async () => {
    await using cli = await setup()
    const issue = { topicArn, principal, operation: 'GenerateDataKey', purpose: 'issue', outcome: 'ok', key: 'alias/a' }
    cli.ledger.record(issue)
    cli.ledger.record({ ...issue, operation: 'Decrypt', purpose: 'deliver' })
    await cli.ledger.flush()
    const { code, output } = await cli.run('kms', 'calls')
    assert.equal(code, 0)
    assert.match(output, /orders +arn:aws:iam::000000000000:user\/alice +1 +1 +1 +0 +0 +0 +0 +2 +2 +1\.00\n/)
    const { pairs } = JSON.parse((await cli.run('kms', 'calls', '--json')).output)
    assert.deepEqual(
      pairs.map(({ topicArn, principal, total, predicted }: Record<string, unknown>) => ({
        topicArn,
        principal,
        total,
        predicted,
      })),
      [{ topicArn, principal, total: 2, predicted: 2 }],
    )
    assert.equal((await cli.run('kms', 'calls', '--month', '2020-01')).output, 'No KMS requests in 2020-01.\n')
  })

  test('refuses a month that is none, and a missing address, with exit code 2 and one line', async () => {
    await using cli = await setup()
    for (const [env, ...words] of [
      [undefined, 'kms', 'calls', '--month', 'May'],
      [{}, 'kms', 'calls'],
    ] as const) {
      const { code, output, errors } = await cli.runWith(env, ...words)
      assert.deepEqual([code, output], [2, ''])
      assert.match(errors, /^[^\n]+\n$/)
    }
  })
})

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const fail = () => assert.fail('the ledger failed')
  const runWith = async (env: Record<string, string> | undefined, ...words: string[]) => {
    const written = { output: '', errors: '' }
    const code = await runCommand(words, {
      env: env ?? { SEALCAST_REDIS_URL: server.url },
      readStandardInput: async () => '',
      writeOutput: (text) => {
        written.output += text
      },
      writeError: (text) => {
        written.errors += text
      },
    })
    return { code, ...written }
  }
  return {
    ledger: createKmsLedger({ redis, clock: systemClock, onLost: fail, onForged: fail }),
    runWith,
    run: (...words: string[]) => runWith(undefined, ...words),
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
