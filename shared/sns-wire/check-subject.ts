/**
 * The subject of a message: one line of 1 to 100 UTF-16 code units, not necessarily ASCII.
 */

import { InvalidParameterError } from './errors.ts'
import { MAX_SUBJECT_UNITS } from './limits.ts'
import { isXmlText } from './xml-characters.ts'

/** Control characters of ISO 6429 (tab is one), and Unicode's line and paragraph separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be found
const CONTROL_OR_LINE_BREAK = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/**
 * Returns the subject.
 *
 * @throws {InvalidParameterError} when it is empty, too long or not one line
 */
export function checkSubject(subject: string): string {
  const fits = subject.length >= 1 && subject.length <= MAX_SUBJECT_UNITS
  if (!fits || CONTROL_OR_LINE_BREAK.test(subject) || !isXmlText(subject)) {
    throw new InvalidParameterError('Invalid parameter: Subject')
  }
  return subject
}
