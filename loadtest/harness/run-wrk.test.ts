import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readWrkOutput } from './run-wrk.ts'

suite('readWrkOutput()', () => {
  test("reads the last line, and the client's share of a core", () => {
    const run = readWrkOutput(output({}), 0.5)
    assert.deepEqual(run, {
      requests: 1000,
      seconds: 2,
      perSecond: 500,
      p50Ms: 1.5,
      p99Ms: 9,
      cores: 0.25,
      usedUp: false,
      problems: [],
    })
  })

  test('lets a run count for nothing that met an error, ran out of requests or had no answer', () => {
    const spoilt: [change: Record<string, number | boolean>, problem: RegExp][] = [
      [{ connectErrors: 1 }, /connectErrors/],
      [{ readErrors: 1 }, /readErrors/],
      [{ writeErrors: 1 }, /writeErrors/],
      [{ timeouts: 1 }, /timeouts/],
      [{ statusErrors: 3 }, /3 statusErrors/],
      [{ usedUp: true }, /used up/],
      [{ requests: 0 }, /no request/],
    ]
    for (const [change, problem] of spoilt) {
      const { problems } = readWrkOutput(output(change), 0)
      assert.equal(problems.length, 1)
      assert.match(problems[0] ?? '', problem)
    }
  })

  test('refuses output without our line', () => {
    assert.throws(() => readWrkOutput('Running 1s test\n', 0), SyntaxError)
  })
})

function output(change: Record<string, number | boolean>): string {
  const counts = {
    requests: 1000,
    microseconds: 2_000_000,
    connectErrors: 0,
    readErrors: 0,
    writeErrors: 0,
    timeouts: 0,
    statusErrors: 0,
    p50Microseconds: 1500,
    p99Microseconds: 9000,
    usedUp: false,
    ...change,
  }
  return `Running 2s test\n  1 threads and 64 connections\n\n${JSON.stringify(counts)}\n`
}
