// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

import { suite } from 'node:test'
import { checkBadValues, checkTable } from '../testing/check-table.ts'

suite('Bool', () => {
  checkTable([
    ['Bool', 'true', 'true', true],
    ['Bool', true, 'true', true],
    ['Bool', 'True', 'TRUE', true],
    ['Bool', 'false', 'false', true],
    ['Bool', 'false', 'true', false],
    ['Bool', 'false', undefined, false],
    ['Bool', ['true', 'false'], 'false', true],
    ['Bool', 'true', 'yes', false],
    ['BoolIfExists', 'false', undefined, true],
  ])
  checkBadValues('Bool', ['', 'yes', '1', 1, '${aws:username}'])
})
