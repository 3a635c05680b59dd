/**
 * Instants: ISO 8601 in the forms that W3C's note on date and time formats allows, or whole seconds since 1970.
 *
 * A day alone is its midnight in UTC; a time needs its zone.
 */

import { MalformedPolicyError } from '../errors.ts'
import { rememberLast } from '../remember-last.ts'
import type { ConditionOperator, OperatorTable } from './operator.ts'

const ISO = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2}))?)?)?$/
const EPOCH_SECONDS = /^\d{1,12}$/
/** Four digits are a year. */
const YEAR_DIGITS = 4

const compare = (holds: (actual: number, expected: number) => boolean, negated = false): ConditionOperator => ({
  negated,
  readValue: (text, _rules, place) => {
    const expected = readInstant(text)
    if (expected === undefined) throw new MalformedPolicyError('bad-value', place)
    return {
      variables: [],
      matches: (value) => {
        const actual = readActual(value)
        return actual !== undefined && holds(actual, expected)
      },
    }
  },
})

export const DATE_OPERATORS: OperatorTable = {
  DateEquals: compare((a, b) => a === b),
  DateNotEquals: compare((a, b) => a === b, true),
  DateLessThan: compare((a, b) => a < b),
  DateLessThanEquals: compare((a, b) => a <= b),
  DateGreaterThan: compare((a, b) => a > b),
  DateGreaterThanEquals: compare((a, b) => a >= b),
}

const readActual = rememberLast(readInstant)

/** @returns milliseconds since 1970, or undefined when the text names no instant */
function readInstant(text: string): number | undefined {
  if (text.length !== YEAR_DIGITS && EPOCH_SECONDS.test(text)) return Number(text) * 1000
  const parts = ISO.exec(text)
  if (parts === null) return undefined
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '0', zone = 'Z'] =
    parts
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
  // A day that is not in the calendar would be taken for another one, and so would a year below 100.
  const read = new Date(midnight)
  if (read.getUTCFullYear() !== Number(year) || read.getUTCMonth() + 1 !== Number(month)) return undefined
  if (read.getUTCDate() !== Number(day)) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const offset = readZone(zone)
  if (offset === undefined) return undefined
  const seconds = (Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second)
  return midnight + seconds * 1000 + Math.floor(Number(`0.${fraction}`) * 1000)
}

/** @returns minutes east of UTC */
function readZone(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}
