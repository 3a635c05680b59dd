import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseSince } from './parse-since.ts'

const now = Date.UTC(2026, 10, 30, 13, 20)

suite('parseSince()', () => {
  test('takes dates, times and spans, in UTC unless told', () => {
    for (const [text, at] of [
      ['2026-11-01', Date.UTC(2026, 10, 1)],
      ['2026-11-01T08:30', Date.UTC(2026, 10, 1, 8, 30)],
      ['2026-11-01T08:30:15Z', Date.UTC(2026, 10, 1, 8, 30, 15)],
      ['2026-11-01T08:30:15.250+02:00', Date.UTC(2026, 10, 1, 6, 30, 15, 250)],
      ['90m', now - 90 * 60_000],
      ['24h', now - 86_400_000],
      ['7d', now - 7 * 86_400_000],
      ['2w', now - 14 * 86_400_000],
    ] as const) {
      assert.equal(parseSince(text, { now }), at, text)
    }
  })

  test('refuses anything else, and what is to come', () => {
    for (const text of [
      '',
      '7',
      'd',
      '-7d',
      '7y',
      '2026-02-31',
      '2026-11',
      '2026-13-01',
      '2026-11-01T25:00',
      '2026-11-30T13:21',
    ]) {
      assert.equal(parseSince(text, { now }), undefined, text)
    }
  })
})
