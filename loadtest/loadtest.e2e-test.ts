import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { LoadReport } from './report/load-report.ts'

suite('npm run loadtest', () => {
  test('counts every message of a run that Ctrl-C ends, and reports it in all three forms', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sealcast-loadtest-test-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const [json, html] = [join(folder, 'r.json'), join(folder, 'r.html')]
    // The scenario says how; the flags make it small, last until it is ended, and judge no time on a busy machine.
    const run = start(
      ['deliver', '--scenario', 'deliver-raw', '--rate', '40', '--topics', '2', '--subscriptions', '2'].concat(
        [
          '--warm-up',
          '1',
          '--seconds',
          '600',
          '--max-late',
          '60000',
          '--max-end-to-end-p99',
          '0',
          '--min-achieved',
          '0',
        ],
        ['--gateways', '2', '--json', json, '--html', html],
      ),
    )
    // Its first line about the load comes after some seconds of it.
    await run.says(/accepted \d+\/s/)
    run.child.kill('SIGINT')
    const { code, stdout, stderr } = await run.ended
    assert.equal(code, 0, stderr)

    const report: LoadReport = JSON.parse(readFileSync(json, 'utf8'))
    assert.deepEqual(report.verdict, { outcome: 'passed', interrupted: true, reasons: [] })
    const counts = new Map(report.tables[0]?.rows.map(([what, count]) => [what, count]))
    const offered = Number(counts.get('offered'))
    assert.ok(offered >= 4 * 40, `${offered}`)
    for (const what of ['accepted', 'published', 'appended']) assert.equal(counts.get(what), offered, what)
    for (const what of ['owed', 'delivered']) assert.equal(counts.get(what), 2 * offered, what)
    for (const what of ['lost', 'without an answer']) assert.equal(counts.get(what), 0, what)
    const [publish, , endToEnd] = report.latencies
    // Of the measured span alone.
    assert.equal(publish?.count, offered - 40)
    assert.equal(endToEnd?.count, 2 * (offered - 40))
    for (const each of report.latencies) {
      assert.ok(each.p50Ms <= each.p99Ms && each.p99Ms <= each.maxMs, JSON.stringify(each))
    }
    const processes = report.charts.find(({ title }) => title === 'Memory of processes')?.series.map(({ name }) => name)
    assert.deepEqual(processes?.toSorted(), [
      'gateway 1',
      'gateway 2',
      'generator',
      'kms',
      'redis',
      'subscriber',
      'worker 1',
      'worker 2',
    ])

    assert.match(stdout, /PASSED, ended early by a signal\.\n$/)
    const page = readFileSync(html, 'utf8')
    assert.equal(page.match(/<figure>/g)?.length, report.charts.length)
    assert.doesNotMatch(page, /NaN|undefined/)
  })

  test('refuses what it does not know before anything is started', async () => {
    const { code, stderr } = await start(['publish', '--rat', '5', '--seconds', '0']).ended
    assert.equal(code, 2)
    assert.match(stderr, /--rat is not known; did you mean --rate\?\n--seconds must be a whole number from 1 to/)
  })
})

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    child.emit('said')
  })
  const ended = once(child, 'close').then(([code]) => ({ code, stdout, stderr }))
  return {
    child,
    ended,
    /** Waits until it has, or has ended. */
    async says(text: RegExp) {
      while (!text.test(stderr) && child.exitCode === null) await Promise.race([once(child, 'said'), ended])
    },
  }
}
