/** `npm run loadtest -- kms`: its number is the KMS's and the ledger's, and lies where the formula says. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startTestKms } from '#shared/test-kms'
import type { LoadReport } from './report/load-report.ts'

/** A machine that is busy for some seconds must not look like a worker that died. */
const STEADY_LEASES = ['--lease-ms', '30000']

// Each spends most of its time waiting for periods to pass.
suite('npm run loadtest -- kms', { concurrency: 2 }, () => {
  test('counts the same by the KMS, its callers and the ledger; a steady publisher reaches the formula, others stay below', async () => {
    const { code, report, html, stderr } = await loadtest([
      ...['--publishers', '1,2', '--pattern', 'steady,idle,bursty', '--gateways', '2', '--workers', '2'],
      ...['--reuse-seconds', '2', '--periods', '3', '--rate', '20', '--max-ratio', '1', ...STEADY_LEASES],
    ])
    assert.equal(code, 0, stderr)
    // Keys: 3 steady, 1 idle, 2 bursty. Requests: 3 for each but 2 for the idle one's, which meets one gateway.
    const requests = 3 * 3 + 1 * 2 + 2 * 3
    assert.equal(figure(report, 'KMS requests'), requests)
    assert.equal(figure(report, 'in the ledger'), requests)
    assert.equal(figure(report, 'formula'), 3 * 3 * 3)
    assert.equal(figure(report, 'textbook formula'), 2 * 3 * 3)
    assert.equal(figure(report, 'data keys issued'), 6)
    assert.equal(figure(report, 'a month, formula'), 3 * 3 * 8_928)
    assert.equal(figure(report, 'a month, counted'), Math.round((requests / 9) * 3 * 8_928))
    const counts = rows(report, 'The same requests, counted in three places')
    assert.deepEqual(
      counts.map((row) => row.slice(1)),
      [
        [6, 11, 17],
        [6, 11, 17],
        [6, 11, 17],
        [0, 0, 0],
      ],
    )
    assert.deepEqual(
      rows(report, 'What requests were made for, and what became of them').map((row) => row.slice(0, 4)),
      [
        ['issue', 'GenerateDataKey', 'ok', 6],
        ['share', 'Decrypt', 'ok', 5],
        ['deliver', 'Decrypt', 'ok', 6],
      ],
    )
    assert.deepEqual(
      rows(report, 'Publishers').map((row) => [row[2], row.at(-1)]),
      [
        ['steady', 1],
        ['idle', 2 / 9],
        ['bursty', 6 / 9],
      ],
    )
    // Of the six keys each gateway sealed with all but, at most, the idle publisher's.
    for (const row of rows(report, 'Gateways and workers').slice(0, 2)) assert.ok([5, 6].includes(Number(row[3])))
    assert.match(html, /<svg[\s\S]*Age of the data keys/)
    assert.doesNotMatch(html, /<(script|link|img)[^>]+(src|href)=/)
    assert.match(stderr, /KMS calls\/s, \d+ of \d+ by the formula: ratio/)
  })

  test('tells what throttling costs: errors by code, requests above the formula, and still one count', async () => {
    const { code, report, stderr } = await loadtest([
      ...['--publishers', '3', '--reuse-seconds', '1', '--periods', '3', '--rate', '10'],
      ...['--throttle', '2', '--latency', '1..20', '--max-ratio', '20', ...STEADY_LEASES],
    ])
    assert.equal(code, 0, `${stderr} ${report.verdict.reasons}`)
    const [served, made, ledger] = rows(report, 'The same requests, counted in three places').map((row) =>
      Number(row[3]),
    )
    assert.deepEqual([made, ledger], [served, served])
    const failed = rows(report, 'What requests were made for, and what became of them').filter((row) => row[2] !== 'ok')
    assert.ok(failed.length > 0 && failed.every((row) => row[2] === 'KMS_THROTTLING'))
    assert.ok(report.notes.some((note) => /^\d+ requests failed: KMS bills those too/.test(note)))
    assert.ok(report.errors.every(({ code: name }) => name === 'KMSThrottling'))
  })

  test('against AWS KMS asks as what the SDK finds, counts by the ledger and by a stand-in, and fails above --max-ratio', async () => {
    await using kms = await startTestKms()
    const { accessKeyId, secretAccessKey } = kms.user
    const admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
    const { KeyMetadata: key } = await admin.send(new CreateKeyCommand({}))
    admin.destroy()
    const { metricsPort } = kms.log.find(({ event }) => event === 'kms.started') ?? {}
    const { code, report, stderr } = await loadtest(
      [
        ...['--kms', 'aws', '--key', key?.Arn ?? '', '--kms-metrics', `http://127.0.0.1:${metricsPort}/metrics`],
        ...['--publishers', '2', '--reuse-seconds', '2', '--periods', '2', '--max-ratio', '0.5', ...STEADY_LEASES],
      ],
      {
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ENDPOINT_URL_KMS: kms.endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
    )
    assert.equal(code, 1, stderr)
    assert.deepEqual(report.verdict.reasons, ["8 requests are 1.000 × the formula's 8; at most 0.5 was asked for."])
    assert.equal(report.figures.find(({ name }) => name === 'ratio')?.judged, 'bad')
    const served = await kms.served()
    assert.deepEqual([served['GenerateDataKey ok'], served['Decrypt ok']], [4, 4])
    assert.equal(figure(report, 'in the ledger'), 8)
  })

  test('refuses what it does not understand, all at once', async () => {
    const { code, stderr } = await run(['--kms', 'aws', '--pattern', 'lazy', '--throttle', '1'])
    assert.equal(code, 2)
    assert.match(stderr, /--pattern must be of steady, idle, bursty, current value is lazy/)
    assert.match(stderr, /--kms aws needs --key/)
    assert.match(stderr, /need --kms local/)
  })

  test('puts simulated months into the same report', async () => {
    const { code, report, stderr } = await loadtest(['--simulate', '--simulate-days', '0.03125', '--max-ratio', '1'])
    assert.equal(code, 0, stderr)
    // 2,700 s are 9 periods of 300 s: 2 × 1 × 9 and 2 × 8 × 9.
    assert.deepEqual(
      rows(report, 'Months').map((row) => row.slice(5, 8)),
      [
        [18, 18, 18],
        [144, 144, 144],
      ],
    )
  })
})

function figure(report: LoadReport, name: string): number | undefined {
  return report.figures.find((each) => each.name === name)?.value
}

function rows(report: LoadReport, title: string) {
  return report.tables.find((table) => table.title === title)?.rows ?? assert.fail(`there is no table ${title}`)
}

async function loadtest(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-loadtest-e2e-'))
  try {
    const [json, html] = [join(folder, 'report.json'), join(folder, 'report.html')]
    const { code, stdout, stderr } = await run([...args, '--json', json, '--html', html], env)
    assert.match(stdout, /^(PASSED|FAILED)/m, stderr)
    const report: LoadReport = JSON.parse(readFileSync(json, 'utf8'))
    return { code, report, html: readFileSync(html, 'utf8'), stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const main = join(import.meta.dirname, 'main.ts')
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { timeout: 180_000, env: { ...process.env, ...env } }
    execFile(process.execPath, [main, 'kms', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
    })
  })
}
