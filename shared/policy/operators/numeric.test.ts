import { suite } from 'node:test'
import { checkBadValues, checkTable } from '../testing/check-table.ts'

suite('numeric operators', () => {
  checkTable([
    ['NumericEquals', '10', '10', true],
    ['NumericEquals', 10, '10.0', true],
    ['NumericEquals', '10', '010', true],
    ['NumericEquals', '-1.5', '-1.50', true],
    ['NumericEquals', '10', '11', false],
    ['NumericEquals', '10', 'ten', false],
    ['NumericEquals', '0', '', false],
    ['NumericEquals', '10', '1e1', false],
    ['NumericEquals', '10', undefined, false],
    ['NumericNotEquals', '10', '11', true],
    ['NumericNotEquals', ['10', '11'], '11', false],
    ['NumericNotEquals', '10', undefined, true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericLessThan', '9', '10', false],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericLessThanEquals', '10', '10.1', false],
    ['NumericGreaterThan', '10', '10.1', true],
    ['NumericGreaterThan', '10', '10', false],
    ['NumericGreaterThanEquals', '10', '10', true],
    ['NumericGreaterThanEquals', '10', undefined, false],
  ])
  checkBadValues('NumericEquals', ['', 'ten', '1e3', 1e300, '0x10', '1.', '.5', ' 1', '1 ', true, '9007199254740993'])
})
