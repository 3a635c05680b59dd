import { suite } from 'node:test'
import { checkBadValues, checkTable } from '../testing/check-table.ts'

suite('date operators', () => {
  checkTable([
    ['DateEquals', '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z', true],
    ['DateEquals', '2026-03-01', '2026-03-01T00:00:00Z', true],
    ['DateEquals', '2026-03', '2026-03-01T00:00Z', true],
    ['DateEquals', '2026', '2026-01-01T00:00:00.000Z', true],
    ['DateEquals', '2026-03-01T01:00:00+01:00', '2026-03-01T00:00:00Z', true],
    ['DateEquals', '2026-02-28T19:00:00-0500', '2026-03-01T00:00:00Z', true],
    ['DateEquals', '1772323200', '2026-03-01T00:00:00Z', true],
    ['DateEquals', 1772323200, '2026-03-01', true],
    ['DateEquals', '2024-02-29', '2024-02-29', true],
    ['DateEquals', '2026-03-01', 'tomorrow', false],
    ['DateEquals', '2026-03-01', undefined, false],
    ['DateNotEquals', '2026-03-01', '2026-03-02', true],
    ['DateNotEquals', '2026-03-01', '2026-03-01', false],
    ['DateNotEquals', '2026-03-01', undefined, true],
    ['DateLessThan', '2026-03-01', '2026-02-28T23:59:59.999Z', true],
    ['DateLessThan', '2026-03-01', '2026-03-01', false],
    ['DateLessThanEquals', '2026-03-01', '2026-03-01', true],
    ['DateGreaterThan', '2026-03-01', '2026-03-01T00:00:00.001Z', true],
    ['DateGreaterThan', '2026-03-01', '2026-03-01', false],
    ['DateGreaterThanEquals', '2026-03-01', '2026-03-01', true],
  ])
  checkBadValues('DateEquals', [
    '',
    'tomorrow',
    '2026-13-01',
    '2026-02-29',
    '2026-1-1',
    '2026-03-01T24:00:00Z',
    '2026-03-01T00:00:00',
    '2026-03-01T00:00:00+99:00',
    '2026-03-01 00:00:00Z',
    '20260301T000000Z',
    '0000',
    '-5',
    true,
  ])
})
