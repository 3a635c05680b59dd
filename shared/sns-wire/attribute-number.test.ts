import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { judgeNumber, type NumberVerdict } from './attribute-number.ts'

const CASES: Record<NumberVerdict, string[]> = {
  fits: [
    '0',
    '-0',
    '+1',
    '1.',
    '.5',
    '-12.50',
    '0001.23000',
    '1e3',
    '1E-3',
    '1e126',
    '1e-128',
    '0.1e127',
    '1000e123',
    '0e99999999999999999999',
    '9'.repeat(38),
    `${'9'.repeat(38)}${'0'.repeat(60)}`,
    `0.${'0'.repeat(100)}${'9'.repeat(38)}`,
    `1e${'0'.repeat(100_000)}1`,
    '0'.repeat(200_000),
  ],
  'not a number': [
    '',
    '.',
    '+',
    '-.',
    'e5',
    '1e',
    '1e+',
    '1.2.3',
    '0x10',
    '1,5',
    ' 1',
    '1 ',
    '1\n',
    'NaN',
    'Infinity',
    '١',
  ],
  scale: ['1e127', '-1e127', '1e-129', '0.1e-128', `1${'0'.repeat(127)}`, `1e${'9'.repeat(100_000)}`, '1e-99999999999'],
  precision: ['9'.repeat(39), `1${'0'.repeat(37)}1`, `1.${'0'.repeat(37)}1`, `-0.${'1'.repeat(39)}`],
}

suite('judgeNumber()', () => {
  for (const [verdict, texts] of Object.entries(CASES)) {
    for (const text of texts) {
      test(`finds "${verdict}" for ${text.slice(0, 24)} (${text.length} characters)`, () => {
        assert.equal(judgeNumber(text), verdict)
      })
    }
  }

  test('takes every number that JavaScript prints within the scale', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e126, max: 1e126 }), (value) => {
        fc.pre(value === 0 || Math.abs(value) >= 1e-128)
        assert.equal(judgeNumber(String(value)), 'fits')
      }),
    )
  })

  test('never takes what JavaScript cannot read as a number', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0123456789+-.eE x'), maxLength: 12 })
    fc.assert(fc.property(text, (value) => judgeNumber(value) === 'not a number' || !Number.isNaN(Number(value))))
  })
})
