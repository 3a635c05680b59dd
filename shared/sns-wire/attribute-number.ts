/**
 * Whether a text is a number that SNS takes as an attribute: any decimal spelling of up to 38 digits and moderate size.
 *
 * Judged on the text: a double has 17 digits. Never rewritten, since subscribers get the publisher's spelling.
 */

import { MAX_NUMBER_DIGITS, NUMBER_SCALE } from './limits.ts'

export type NumberVerdict = 'fits' | 'not a number' | 'scale' | 'precision'

const DECIMAL = /^[+-]?([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/

/** Scale is the power of ten of the first significant digit; zeros at either end are not significant. */
export function judgeNumber(text: string): NumberVerdict {
  const match = DECIMAL.exec(text)
  if (match === null) return 'not a number'
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  if (digits === '') return 'not a number'
  const first = indexOfSignificant(digits)
  if (first === -1) return 'fits' // zero, however it is spelled
  const scale = Number(exponent) + whole.length - 1 - first
  if (!(scale >= NUMBER_SCALE.min && scale <= NUMBER_SCALE.max)) return 'scale'
  return lastIndexOfSignificant(digits) - first < MAX_NUMBER_DIGITS ? 'fits' : 'precision'
}

function indexOfSignificant(digits: string): number {
  for (let at = 0; at < digits.length; at++) if (digits[at] !== '0') return at
  return -1
}

function lastIndexOfSignificant(digits: string): number {
  let at = digits.length - 1
  while (digits[at] === '0') at--
  return at
}
