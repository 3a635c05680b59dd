import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { systemClock } from '#shared/clock'
import { createKmsLedger } from '#shared/kms-ledger'
import { runCommand } from './run-command.ts'
import { type KeysStage, startKeysStage } from './testing/keys-stage.ts'

suite('sealcast estimate', () => {
  test("ends with the total in plain digits: the months of SNS's guide", async () => {
    const first = await run('--days', '31', '--publishers', '1')
    assert.deepEqual([first.code, lastLine(first)], [0, '17856'])
    const second = await run('--days', '28', '--publishers', '3,5')
    assert.deepEqual([second.code, lastLine(second)], [0, '129024'])
    assert.match(second.output, /^topic 1 +3 +6 +48,384$/m)
    assert.match(second.output, /^Cost in us-east-1: \$0\.33 for 109,024 requests at \$0\.03 per 10,000, 20,000 free/m)
  })

  test('counts further gateways, another reuse period and a price that nobody has looked up', async () => {
    const { output } = await run(
      '--days',
      '1',
      '--publishers',
      '2',
      '--gateways',
      '3',
      '--reuse-seconds',
      '60',
      '--json',
    )
    const { requests, periods, gateways } = JSON.parse(output)
    assert.deepEqual({ requests, periods, gateways }, { requests: 1440 * 4 * 2, periods: 1440, gateways: 3 })
    const unknown = await run('--publishers', '1', '--region', 'mars-1')
    assert.match(unknown.output, /^Cost in mars-1: not known/m)
    assert.equal(lastLine(unknown), '17856')
  })

  test('reads a plan from a file or standard input, flags first', async () => {
    const plan = {
      days: 28,
      topics: [
        { name: 'orders', publishers: 3 },
        { name: 'bills', publishers: 5 },
      ],
    }
    const folder = await mkdtemp(join(tmpdir(), 'sealcast-estimate-'))
    const file = join(folder, 'plan.json')
    await writeFile(file, JSON.stringify(plan))
    assert.equal(lastLine(await run('--file', file)), '129024')
    assert.equal(lastLine(await runWith({ input: JSON.stringify(plan) }, '--file', '-', '--days', '14')), '64512')
    await rm(folder, { recursive: true })
  })

  test('refuses what it cannot count, with exit code 2 and one line', async () => {
    for (const [input, ...words] of [
      [''],
      ['', '--publishers', '1', '--live'],
      ['', '--publishers', '1,'],
      ['', '--publishers', '-1'],
      ['', '--publishers', '1e3'],
      ['', '--publishers', '1', '--days', '0'],
      ['', '--publishers', '1', '--days', '3661'],
      ['', '--publishers', '1', '--reuse-seconds', '301'],
      ['', '--publishers', '1', '--gateways', '0'],
      ['', '--live'],
      ['not JSON', '--file', '-'],
      ['{"topics":[{"name":"orders"}]}', '--file', '-'],
      ['{"topics":[],"unknown":1}', '--file', '-'],
    ] as const) {
      const { code, output, errors } = await runWith({ input }, ...words)
      assert.deepEqual([code, output], [2, ''], words.join(' '))
      assert.match(errors, /^[^\n]+\n$/, words.join(' '))
    }
  })
})

suite('sealcast estimate --live', () => {
  let stage: KeysStage
  before(async () => {
    stage = await startKeysStage()
  })
  after(() => stage[Symbol.asyncDispose]())

  test('counts the publishers that were given a data key this month, on topics that are sealed', async () => {
    const [busy, quiet, clear] = [
      await stage.createTopic('alias/a'),
      await stage.createTopic('alias/b'),
      await stage.createTopic(),
    ]
    const fail = () => assert.fail('the ledger failed')
    const ledger = createKmsLedger({ redis: stage.redis, clock: systemClock, onLost: fail, onForged: fail })
    for (const [topicArn, user] of [
      [busy, 'alice'],
      [busy, 'bob'],
      [clear, 'carol'],
    ] as const) {
      const principal = `arn:aws:iam::000000000000:user/${user}`
      const issue = { operation: 'GenerateDataKey', purpose: 'issue', outcome: 'ok', key: 'alias/a' }
      ledger.record({ topicArn, principal, ...issue })
    }
    await ledger.flush()
    const { code, output } = await stage.run('estimate', '--live', '--days', '31', '--json')
    assert.equal(code, 0)
    const { topics, requests } = JSON.parse(output)
    const found = topics.map(({ name, publishers }: { name: string; publishers: number }) => [name, publishers])
    assert.deepEqual(Object.fromEntries(found), { [busy]: 2, [quiet]: 0 })
    assert.equal(requests, 2 * 17_856)
  })
})

const lastLine = ({ output }: { output: string }) => output.trimEnd().split('\n').at(-1)

const run = (...words: string[]) => runWith({ input: '' }, ...words)

async function runWith({ input }: { input: string }, ...words: string[]) {
  const written = { output: '', errors: '' }
  const code = await runCommand(['estimate', ...words], {
    env: {},
    readStandardInput: async () => input,
    writeOutput: (text) => {
      written.output += text
    },
    writeError: (text) => {
      written.errors += text
    },
  })
  return { code, ...written }
}
