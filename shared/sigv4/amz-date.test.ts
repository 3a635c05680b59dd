import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { formatAmzDate, parseAmzDate } from './amz-date.ts'

suite('parseAmzDate()', () => {
  test('reads what formatAmzDate() wrote, for every second of four-digit years', () => {
    const seconds = fc.integer({ min: Date.UTC(1000, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 })
    fc.assert(fc.property(seconds, (second) => assert.equal(parseAmzDate(formatAmzDate(second * 1000)), second * 1000)))
  })

  test('knows leap years', () => {
    assert.equal(parseAmzDate('20240229T000000Z'), Date.UTC(2024, 1, 29))
    assert.equal(parseAmzDate('20230229T000000Z'), undefined)
  })

  for (const text of [
    '',
    '2015-08-30T12:36:00Z',
    '20150830T123600',
    '20150830T123600z',
    '20150830 123600Z',
    '20150830T123600Z ',
    '20150830T123600Z\n',
    '20151330T123600Z',
    '20150030T123600Z',
    '20150800T123600Z',
    '20150431T123600Z',
    '20150830T243600Z',
    '20150830T126000Z',
    '20150830T123660Z',
    '00500830T123600Z',
    '２０150830T123600Z',
    'Sun, 30 Aug 2015 12:36:00 GMT',
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseAmzDate(text), undefined))
  }
})
